import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const AUTOCANNON = require.resolve("autocannon");

/** The number of responses by status, and the number of requests without a response. */
export interface Flooded {
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: number;
}

/**
 * Requests one URL on many connections for some seconds. Each connection sends its next request immediately after a response
 * of any status. The load runs in its own process, so that it does not distort measurements in the caller.
 */
export async function flood(url: string, connections: number, seconds: number): Promise<Flooded> {
  const options = ["--connections", String(connections), "--duration", String(seconds), "--json", url];
  const child = spawn(process.execPath, [AUTOCANNON, ...options], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  const { statusCodeStats, errors } = JSON.parse(output) as {
    readonly statusCodeStats: Readonly<Record<string, { readonly count: number }>>;
    readonly errors: number;
  };
  const counts = Object.entries(statusCodeStats).map(([status, { count }]) => [status, count] as const);
  return { answers: Object.fromEntries(counts), errors };
}
