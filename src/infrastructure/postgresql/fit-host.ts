import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import postgres from "postgres";
import { driverError } from "../drizzle/driver-error.ts";
import type { ServerUrl } from "./server-url.ts";

interface Host {
  readonly host: string;
  readonly port: number;
}

/** How the driver is told to connect. */
interface Choice extends Host {
  /** Called for each connection; TLS and all that follows is the driver's. */
  socket(): Promise<Socket | Duplex>;
}

/**
 * The choice of a host for each connection, where a URL names several or says what one must be. Left to itself, the driver
 * asks one after the other without a pause and without an end while none is fit, and whoever waits for it is told nothing.
 * Here all are asked at once, the one that is fit and answers first is taken, and where none is, the connection fails.
 */
export function fitHost(server: ServerUrl, connectTimeoutMs: number): Choice | undefined {
  const { host, port, target_session_attrs: wanted } = postgres(server.url, { max: 1 }).options;
  const hosts = host.map((name, index): Host => ({ host: name, port: port[index] ?? 5432 }));
  const [first, ...others] = hosts;
  if (first === undefined || (others.length === 0 && !wanted)) return undefined;

  const search = async (): Promise<Host | Error> => {
    return Promise.any(hosts.map(async (one) => ask(server, one, connectTimeoutMs))).catch((none: AggregateError) =>
      unfit(hosts, wanted, none.errors),
    );
  };
  // Connections that are wanted at the same time share one search.
  let searching: Promise<Host | Error> | undefined;
  return {
    ...first,
    socket: async () => {
      searching ??= search().finally(() => (searching = undefined));
      const found = await searching;
      return found instanceof Error ? failing(found) : Object.assign(connect(found), { host: found.host });
    },
  };
}

/** Connects to one host as the URL wants it, and leaves again; the driver refuses one that is not what the URL wants. */
async function ask({ url, tls }: ServerUrl, host: Host, connectTimeoutMs: number): Promise<Host> {
  const options = { ssl: tls, max: 1, connect_timeout: connectTimeoutMs / 1000, fetch_types: false, ...host };
  const sql = postgres(url, { ...options, onnotice: () => {} });
  try {
    await sql.unsafe("select 1");
    return host;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** What the server itself said comes first: of a wrong password it is no use to say that a host was not reached. */
function unfit(hosts: readonly Host[], wanted: string | undefined, refusals: readonly unknown[]): Error {
  const said = refusals.find((refusal) => refusal instanceof postgres.PostgresError);
  if (said !== undefined) return said;
  const reasons = hosts.map(({ host, port }, index) => {
    const { code } = refusals[index] as Partial<NodeJS.ErrnoException>;
    // So the driver says that a server is not what the URL wants.
    return `${host}:${port} ${code === "CONNECTION_DESTROYED" ? `is not ${wanted}` : code}`;
  });
  return driverError("sqlclient_unable_to_establish_sqlconnection", reasons.join(", "));
}

/** A socket that ends with the error as soon as something is written to it; the driver bears no other way to say it. */
function failing(error: Error): Duplex {
  return new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done(error) });
}
