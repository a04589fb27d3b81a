import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

/** A server that does the work, and what it is started with. */
export interface Contender {
  readonly name: string;
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Whether its start is all that is measured. */
  readonly isOnlyStarted?: boolean;
}

export interface Running {
  readonly url: string;
  /** From the start of the process to its first answer, in milliseconds. */
  readonly readyMs: number;
  /** What it has in memory, in MiB. */
  memoryMiB(): number;
  stop(): Promise<void>;
}

/** Starts a contender and waits for its first answer. */
export async function start({ script, environment }: Contender, path: string): Promise<Running> {
  const startedAt = performance.now();
  const { PATH } = process.env;
  const child = spawn(process.execPath, [script], {
    env: { PATH, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await addressOf(child);
  const response = await fetch(`${url}${path}`);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${script} answers ${path} with ${response.status}.`);
  return {
    url,
    readyMs: performance.now() - startedAt,
    memoryMiB: () => {
      const text = execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)], { encoding: "utf8" });
      return Math.round(Number(text) / 1024);
    },
    stop: async () => {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}

async function addressOf(child: ChildProcess): Promise<string> {
  let output = "";
  for await (const chunk of child.stdout ?? []) {
    output += String(chunk);
    const url = /http:\/\/[\d.]+:\d+/.exec(output)?.[0];
    if (url !== undefined) {
      child.stdout?.resume();
      return url;
    }
  }
  throw new Error(`The server ended: ${output}`);
}
