import postgres from "postgres";
import { driverOptions, socketMaker } from "./driver-options.ts";
import type { ServerConnection } from "./connection.ts";
import type { ServerHost, ServerUrl } from "./server-url.ts";

interface HostAnswer {
  readonly rows: readonly (readonly (string | null)[])[];
  /** The process that answered, as it was named when the connection began. A pooler names one of its own. */
  readonly backend: number | null;
}

/** Asks one host one question, on a connection of its own that ends with it. Throws what the driver says. */
export async function probeHost(
  server: ServerUrl,
  address: ServerHost,
  question: string,
  timeoutMs: number,
  onOpen: (connection: ServerConnection) => void = () => {},
): Promise<HostAnswer> {
  const opened: ServerConnection[] = [];
  const choose = async () => address;
  const sql = postgres({
    ...driverOptions({ ...server, hosts: [address] }),
    max: 1,
    connect_timeout: timeoutMs / 1000,
    connection: server.startup,
    ...socketMaker(server, timeoutMs, choose, (connection) => {
      opened.push(connection);
      onOpen(connection);
    }),
  });
  const late = setTimeout(() => {
    for (const connection of opened) connection.destroy("CONNECT_TIMEOUT");
  }, timeoutMs);
  try {
    const rows = (await sql.unsafe(question).values()) as unknown as HostAnswer["rows"];
    return { rows, backend: opened[0]?.backend() ?? null };
  } finally {
    clearTimeout(late);
    await sql.end({ timeout: 0 });
    for (const connection of opened) connection.destroy("The question was answered.");
  }
}
