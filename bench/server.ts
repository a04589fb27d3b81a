import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Api } from "./api.ts";

/** A server to measure, and how to start it. */
export interface Contender {
  readonly name: string;
  readonly script: string;
  readonly parameters?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly api: Api;
  /** Whether only its start is measured. */
  readonly isOnlyStarted?: boolean;
  /** How many processes share the load on one database; 1 by default. */
  readonly processes?: number;
}

export interface Running {
  /** One for each process. */
  readonly urls: readonly [string, ...string[]];
  readonly pids: readonly [number, ...number[]];
  /** From the start of the processes to the first response of each, in milliseconds. */
  readonly readyMs: number;
  /** The resident memory of all processes, in MiB. */
  memoryMiB(): number;
  stop(): Promise<void>;
}

/** Starts a contender and waits for its first response. */
export async function start(contender: Contender): Promise<Running> {
  const startedAt = performance.now();
  const children = Array.from({ length: contender.processes ?? 1 }, () => spawnOf(contender));
  const stop = async () => void (await Promise.all(children.map(end)));
  try {
    const urls = await Promise.all(children.map(async (child) => readyUrl(child, contender)));
    return {
      urls: urls as [string, ...string[]],
      pids: children.map(({ pid }) => pid) as [number, ...number[]],
      readyMs: performance.now() - startedAt,
      memoryMiB: () => children.reduce((sum, child) => sum + memoryMiBOf(child), 0),
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function spawnOf({ name, script, parameters = [], environment }: Contender): ChildProcess {
  const { PATH } = process.env;
  const env = { PATH, ...environment };
  const child = spawn(process.execPath, [script, ...parameters], { env, stdio: ["ignore", "pipe", "inherit"] });
  child.once("exit", (code, signal) => {
    if (!child.killed) process.stderr.write(`${name} ended by itself: ${signal ?? code}\n`);
  });
  return child;
}

async function readyUrl(child: ChildProcess, { name, api }: Contender): Promise<string> {
  const url = await addressOf(child);
  const path = api.post(1);
  const response = await fetch(`${url}${path}`);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${name} answered ${path} with ${response.status}.`);
  return url;
}

function memoryMiBOf({ pid }: ChildProcess): number {
  const text = execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Math.round(Number(text) / 1024);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

async function addressOf(child: ChildProcess): Promise<string> {
  let output = "";
  // The output stays open, because the server can still write to it.
  for await (const chunk of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    output += String(chunk);
    const url = /http:\/\/[\d.]+:\d+/.exec(output)?.[0];
    if (url !== undefined) {
      child.stdout?.resume();
      return url;
    }
  }
  throw new Error(`The server ended: ${output}`);
}
