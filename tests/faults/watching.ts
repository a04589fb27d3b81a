import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningServer } from "../process/server.ts";

/** A line of a server's log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** The lines that a server logs after this call. The array grows. */
export function watchLog({ process: { stderr } }: RunningServer): readonly LogLine[] {
  const lines: LogLine[] = [];
  let rest = "";
  stderr.on("data", (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    // The message of a failed start is not JSON.
    for (const part of parts) if (part.startsWith("{")) lines.push(JSON.parse(part) as LogLine);
  });
  return lines;
}

/** All lines that a server has logged since its start. */
export function logOf(server: RunningServer): readonly LogLine[] {
  const lines = server.logged().split("\n");
  return lines.filter((line) => line.startsWith("{") && line.endsWith("}")).map((line) => JSON.parse(line) as LogLine);
}

/** The size of the write-ahead log on the disk. */
export function walBytes(directory: string): number {
  const folder = join(directory, "cluster", "pg_wal");
  const segments = readdirSync(folder).filter((name) => /^[0-9A-F]{24}$/.test(name));
  // PostgreSQL may remove a segment meanwhile.
  const sizes = segments.map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Polls until the condition is true. Returns the duration in milliseconds. Throws after `timeoutMs`. */
export async function eventually(
  what: string,
  isTrue: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<number> {
  const startedAt = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - startedAt > timeoutMs) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await delay(POLL_MS);
  }
  return Math.round(performance.now() - startedAt);
}

const POLL_MS = 20;
