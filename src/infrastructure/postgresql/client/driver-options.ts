import { Duplex } from "node:stream";
import type postgres from "postgres";
import { connectToServer, type ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

type DriverOptions = postgres.Options<Record<string, never>>;

/** What the driver is told of a server. It is given no URL: it would take a part of some passwords for a host. */
export function driverOptions(server: ServerUrl): DriverOptions {
  const { user, password, database, sessionAttributes } = server;
  const [first] = server.hosts;
  return {
    // For its messages alone: a connection is made by `socket`.
    ...(first.path === undefined ? { host: first.host, port: first.port } : { path: first.path }),
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(database === undefined ? {} : { database }),
    ...(sessionAttributes === null ? {} : { target_session_attrs: sessionAttributes }),
    ssl: false,
    keep_alive: null,
    onnotice: () => {},
    // Arrays are encoded here. TurnRequest for their types, the driver lets nobody catch that the connection was lost meanwhile.
    fetch_types: false,
  };
}

/**
 * Makes the connections of a driver: to the host that `choose` gives, each of them shown to `onOpen`. Where none can be made
 * the socket ends with the error as soon as something is written to it: the driver bears no other way to say so.
 */
export function socketMaker(
  server: ServerUrl,
  timeoutMs: number,
  choose: () => Promise<ServerHost>,
  onOpen: (connection: ServerConnection) => void,
): { socket(): Promise<Duplex> } {
  return {
    socket: async () => {
      try {
        const connection = await connectToServer(server, await choose(), timeoutMs);
        onOpen(connection);
        return connection.socket;
      } catch (error) {
        return new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done(error as Error) });
      }
    },
  };
}
