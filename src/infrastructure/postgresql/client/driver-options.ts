import { Duplex } from "node:stream";
import type postgres from "postgres";
import type { ConnectToServer, ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

type DriverOptions = postgres.Options<Record<string, never>>;

/** The options of the driver for a server. The driver gets no URL, because it would parse a part of some passwords as a host. */
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
    // Arrays are encoded in sql/parameter.ts. A connection that is lost while the driver fetches types causes an uncaught exception.
    fetch_types: false,
  };
}

/**
 * Makes the connections of the driver to the host that `selectHost` returns, and passes each to `onOpen`. The driver accepts a
 * failure to connect only as an error of the socket, so a failed attempt returns a socket that fails at its first write.
 */
export function socketMaker(
  server: ServerUrl,
  timeoutMs: number,
  connect: ConnectToServer,
  selectHost: () => Promise<ServerHost>,
  onOpen: (connection: ServerConnection) => void,
): { socket(): Promise<Duplex> } {
  return {
    socket: async () => {
      try {
        const connection = await connect(server, await selectHost(), timeoutMs);
        onOpen(connection);
        return destroyedIfUnused(connection.socket);
      } catch (error) {
        return destroyedIfUnused(
          new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done(error as Error) }),
        );
      }
    },
  };
}

/** The driver writes its first message in the next turn of the event loop, or never. */
const FIRST_WRITE_MS = 250;

/**
 * Destroys a socket on which the driver does not write. A statement that was queued for a lost connection would wait on it for
 * the connect timeout, because the driver waits for a timer that it has cancelled (porsager/postgres, pull request 1209).
 */
function destroyedIfUnused(socket: Duplex): Duplex {
  let isUsed = false;
  const write = socket.write.bind(socket);
  socket.write = (...parameters: unknown[]) => {
    isUsed = true;
    return write(...(parameters as Parameters<typeof write>));
  };
  const destroy = () => {
    if (isUsed) return;
    const reason = "The driver did not use the new connection.";
    socket.destroy(Object.assign(new Error(reason), { code: "CONNECT_TIMEOUT" }));
  };
  // After a pause of the event loop, the timer may come before the turn in which the driver writes.
  setTimeout(() => setImmediate(destroy), FIRST_WRITE_MS).unref();
  return socket;
}
