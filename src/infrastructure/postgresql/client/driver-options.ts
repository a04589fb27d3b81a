import { Duplex } from "node:stream";
import type postgres from "postgres";
import { connectToServer, type ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

type DriverOptions = postgres.Options<Record<string, never>>;

/** The options of the driver for a server. It gets no URL, since it would take a part of some passwords for a host. */
export function driverOptions(server: ServerUrl): DriverOptions {
  const { user, password, database, sessionAttributes } = server;
  const [first] = server.hosts;
  return {
    // Only the messages of the driver use these: `socket` makes the connections.
    ...(first.path === undefined ? { host: first.host, port: first.port } : { path: first.path }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(sessionAttributes === null ? {} : { target_session_attrs: sessionAttributes }),
    ssl: false,
    keep_alive: null,
    onnotice: () => {},
    // Arrays are encoded in sql/parameter.ts. While the driver fetches types, a lost connection throws where nothing catches it.
    fetch_types: false,
  };
}

/**
 * Makes the connections of the driver, to the host that `selectHost` gives, and passes each to `onOpen`. The driver accepts
 * a failure to connect only as an error of the socket, so a failed attempt gives a socket that fails at its first write.
 */
export function socketMaker(
  server: ServerUrl,
  timeoutMs: number,
  selectHost: () => Promise<ServerHost>,
  onOpen: (connection: ServerConnection) => void,
): { socket(): Promise<Duplex> } {
  return {
    socket: async () => {
      try {
        const connection = await connectToServer(server, await selectHost(), timeoutMs);
        onOpen(connection);
        return connection.socket;
      } catch (error) {
        return new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done(error as Error) });
      }
    },
  };
}
