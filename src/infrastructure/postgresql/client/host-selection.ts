import postgres from "postgres";
import { driverError } from "../../sql/driver-error.ts";
import { probeHost } from "./probe-host.ts";
import { hostAndPort, type ServerHost, type ServerUrl } from "./server-url.ts";

/**
 * Selects a host for each connection, where a URL names several or says what one must be. Left to itself, the driver asks
 * one after the other without a pause and without an end while none is fit, and nobody is told. Here all are asked at once,
 * the one that is fit and answers first is taken, and where none is, the connection fails.
 */
export function hostSelection(server: ServerUrl, connectTimeoutMs: number): () => Promise<ServerHost> {
  const { hosts, sessionAttributes } = server;
  if (hosts.length === 1 && sessionAttributes === null) return async () => hosts[0];

  const ask = async (address: ServerHost) => {
    // The driver refuses a host that is not what the URL wants.
    await probeHost(server, address, "select 1", connectTimeoutMs);
    return address;
  };
  const search = async () =>
    Promise.any(hosts.map(ask)).catch((none: AggregateError) => {
      throw unfit(server, none.errors);
    });
  // Connections that are wanted at the same time share one search.
  let searching: Promise<ServerHost> | undefined;
  return async () => {
    searching ??= search().finally(() => (searching = undefined));
    return searching;
  };
}

/** What a server itself said comes first: of a wrong password it is no use to say that a host was not reached. */
function unfit({ hosts, sessionAttributes }: ServerUrl, refusals: readonly unknown[]): Error {
  const said = refusals.find((refusal) => refusal instanceof postgres.PostgresError);
  if (said !== undefined) return said;
  const reasons = hosts.map((address, index) => {
    const { code } = refusals[index] as Partial<NodeJS.ErrnoException>;
    // So the driver says that a server is not what the URL wants.
    return `${hostAndPort(address)} ${code === "CONNECTION_DESTROYED" ? `is not ${sessionAttributes}` : code}`;
  });
  return driverError("sqlclient_unable_to_establish_sqlconnection", reasons.join(", "));
}
