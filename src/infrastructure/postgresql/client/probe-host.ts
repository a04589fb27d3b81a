import postgres from "postgres";
import { driverOptions, socketMaker } from "./driver-options.ts";
import type { ConnectToServer, ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

interface HostAnswer {
  readonly rows: readonly (readonly (string | null)[])[];
  /** The process id from BackendKeyData. A pooler sends its own id. */
  readonly backend: number | null;
}

/** Runs one statement on one host, on a new connection. Throws the error of the driver. */
export async function probeHost(
  server: ServerUrl,
  address: ServerHost,
  statement: string,
  timeoutMs: number,
  connect: ConnectToServer,
  onOpen: (connection: ServerConnection) => void = () => {},
): Promise<HostAnswer> {
  const opened: ServerConnection[] = [];
  const selectHost = async () => address;
  const sql = postgres({
    ...driverOptions({ ...server, hosts: [address] }),
    max: 1,
    connect_timeout: timeoutMs / 1000,
    connection: server.startup,
    ...socketMaker(server, timeoutMs, connect, selectHost, (connection) => {
      opened.push(connection);
      onOpen(connection);
    }),
  });
  const timeout = setTimeout(() => {
    for (const connection of opened) connection.destroy("CONNECT_TIMEOUT");
  }, timeoutMs);
  try {
    const rows = (await sql.unsafe(statement).values()) as unknown as HostAnswer["rows"];
    return { rows, backend: opened[0]?.backend() ?? null };
  } finally {
    clearTimeout(timeout);
    await sql.end({ timeout: 0 });
    for (const connection of opened) connection.destroy("The probe has ended.");
  }
}
