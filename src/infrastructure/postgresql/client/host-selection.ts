import postgres from "postgres";
import { driverError } from "../../sql/driver-error.ts";
import type { ConnectToServer } from "./connection.ts";
import { probeHost } from "./probe-host.ts";
import { hostAndPort, type ServerHost, type ServerUrl } from "./server-url.ts";

/**
 * Host selection for each connection, if a URL names several hosts or requires a role (`target_session_attrs`). It
 * probes all hosts at the same time and takes the first suitable one that answers; when none is suitable the connection
 * fails. The driver itself would try the hosts one after the other, without a pause, an end or an error.
 */
export function hostSelection(
  server: ServerUrl,
  connectTimeoutMs: number,
  connect: ConnectToServer,
): () => Promise<ServerHost> {
  const { hosts, sessionAttributes } = server;
  if (hosts.length === 1 && sessionAttributes === null) return async () => hosts[0];

  const probe = async (address: ServerHost) => {
    // The driver rejects a host without the required role.
    await probeHost(server, address, "select 1", connectTimeoutMs, connect);
    return address;
  };
  const select = async () =>
    Promise.any(hosts.map(probe)).catch((none: AggregateError) => {
      throw noSuitableHost(server, none.errors);
    });
  // Single-flight: connections that open at the same time share one selection.
  let selecting: Promise<ServerHost> | undefined;
  return async () => {
    selecting ??= select().finally(() => (selecting = undefined));
    return selecting;
  };
}

/** An error of a server comes first: a wrong password matters more than another host that was not reached. */
function noSuitableHost({ hosts, sessionAttributes }: ServerUrl, refusals: readonly unknown[]): Error {
  const serverError = refusals.find((refusal) => refusal instanceof postgres.PostgresError);
  if (serverError !== undefined) return serverError;
  const reasons = hosts.map((address, index) => {
    const { code } = refusals[index] as Partial<NodeJS.ErrnoException>;
    // The driver destroys the connection to a host without the required role.
    return `${hostAndPort(address)} ${code === "CONNECTION_DESTROYED" ? `is not ${sessionAttributes}` : code}`;
  });
  return driverError("sqlclient_unable_to_establish_sqlconnection", reasons.join(", "));
}
