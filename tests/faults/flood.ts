import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const AUTOCANNON = require.resolve("autocannon");

/** How many answers had each status, and how many requests had none. */
export interface Flooded {
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: number;
}

/**
 * Asks for one address on many connections for some seconds, on each again as soon as it is answered, whatever the
 * answer. It is a process of its own, so that what others measure meanwhile is the server and not the load.
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
