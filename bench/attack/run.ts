import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ATTACKS } from "./attacks.ts";
import type { Sample } from "./reader.ts";

/**
 * Runs five attacks at the same time, each from its own address, on a server with the default limits. Another client reads
 * and writes. The run fails if the p99 of that client is above MAX_P99_MS, if one of its requests is refused, or if memory
 * grows.
 */
const MAX_P99_MS = 250;
/** The server's memory in the last third of the run, relative to the second third. A leak grows; a cache does not. */
const MAX_MEMORY_RATIO = 1.15;
const MINUTES = Number(process.env["ATTACK_MINUTES"] ?? 10);
const REPORT_MS = 30_000;
const MEMORY_SAMPLE_MS = 1_000;

const ALL: readonly (keyof typeof ATTACKS)[] = [
  "pipelinedResets",
  "unreadAnswers",
  "costlyPasswords",
  "costlyJson",
  "bulkDeletions",
];
const ATTACKERS = (process.env["ATTACKS"]?.split(",") ?? ALL) as typeof ALL;

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const children: ChildProcess[] = [];

function program(file: string, ...parameters: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ["--import", "tsx", here(file), ...parameters], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  return child;
}

async function startServer(directory: string) {
  const child = spawn(process.execPath, [here("../../dist/main.js")], {
    env: { PATH: process.env["PATH"], PORT: "0", QUIRE_DATA_DIR: directory, QUIRE_LOG_LEVEL: "error" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
    if (url !== undefined) return { child, url };
  }
  throw new Error("The server did not start.");
}

async function memoryMiB({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024);
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? Number.NaN;
}

function reportLine(samples: readonly Sample[], memory: number): string {
  const times = samples.map(({ ms }) => ms);
  const refused = samples.filter(({ status }) => status === null || status >= 400);
  const statuses = [...new Set(refused.map(({ status }) => status ?? "no response"))].join(", ");
  return (
    `${samples.length} requests, p50 ${percentile(times, 0.5)} ms, p99 ${percentile(times, 0.99)} ms, ` +
    `max ${Math.max(...times)} ms, ${refused.length} refused${statuses === "" ? "" : ` (${statuses})`}, ${memory} MiB\n`
  );
}

const directory = await mkdtemp(join(tmpdir(), "quire-attack-"));
try {
  const { child: server, url } = await startServer(directory);
  const samples: Sample[] = [];
  const memory: number[] = [];
  const reader = program("reader.ts", url);
  createInterface(reader.stdout as NodeJS.ReadableStream).on("line", (line) =>
    samples.push(JSON.parse(line) as Sample),
  );
  while (samples.length === 0) await delay(100);
  for (const [index, name] of ATTACKERS.entries()) program("attacks.ts", name, url, `127.0.0.${index + 2}`);
  process.stdout.write(`${ATTACKERS.join(", ")} on ${url} for ${MINUTES} minutes\n`);

  const end = performance.now() + MINUTES * 60_000;
  let reported = 0;
  for (let nextReport = performance.now() + REPORT_MS; performance.now() < end; await delay(MEMORY_SAMPLE_MS)) {
    memory.push(await memoryMiB(server));
    if (performance.now() < nextReport) continue;
    process.stdout.write(reportLine(samples.slice(reported), memory.at(-1) ?? 0));
    reported = samples.length;
    nextReport += REPORT_MS;
  }

  const third = Math.floor(memory.length / 3);
  const [before, after] = [memory.slice(third, 2 * third), memory.slice(2 * third)].map((part) =>
    percentile(part, 0.5),
  );
  const ratio = (after ?? Number.NaN) / (before ?? Number.NaN);
  const p99 = percentile(
    samples.map(({ ms }) => ms),
    0.99,
  );
  const refused = samples.filter(({ status }) => status === null || status >= 400).length;
  process.stdout.write(`In all: ${reportLine(samples, memory.at(-1) ?? 0)}Memory: ${before} MiB, then ${after} MiB\n`);
  const isHeld = p99 < MAX_P99_MS && refused === 0 && ratio < MAX_MEMORY_RATIO && server.exitCode === null;
  process.stdout.write(
    isHeld ? "The second client did not notice the attacks.\n" : "The attacks reached the second client.\n",
  );
  process.exitCode = isHeld ? 0 : 1;
} finally {
  for (const child of children) child.kill("SIGKILL");
  await delay(500);
  await rm(directory, { recursive: true, force: true });
}
