/**
 * The cost of a backup for requests: the slowest read and the slowest write on a data directory of BENCH_MIB (1,024 by
 * default), without a backup and during one.
 *
 * `npm run bench:backup` prints each round. Four clients read posts, and one writes posts, with a pause of 10 ms between two requests.
 * Both phases take the same time: that of the backup. The longest delay of the clients' own event loop shows how much of the slowest
 * request is the machine. BENCH_ROUNDS sets the number of rounds.
 */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { spawnCli, startServer } from "../tests/process/server.ts";
import { percentile } from "../tests/support/rounds.ts";
import { postId, WRITTEN } from "./data-set.ts";
import { JSON_HEADERS, registerAndLogIn } from "./log-in.ts";
import { fillQuire, indexQuire, openQuire } from "./quire.ts";

const MIB = 1_048_576;
const SIZE_MIB = Number(process.env["BENCH_MIB"] ?? "1024");
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const POSTS = 5000;
const READERS = 4;
/** The server is not saturated: then each request would wait for the processors anyway. */
const PAUSE_MS = 10;
/** After a start, V8 compiles the program, and the first analysis of the filled tables follows. */
const WARM_UP_MS = 30_000;
const ROW_BYTES = 1024;
const NS_PER_MS = 1e6;
const ROWS_AT_ONCE = 20_000;

/** Clients that send one request after the other until the work ends. Returns the milliseconds of each request. */
async function measureDuring(url: string, token: string, work: Promise<unknown>, step = () => "all the time") {
  const ended = new AbortController();
  const [reads, writes]: [number[], number[]] = [[], []];
  const slowest = new Map<string, number>();
  const clients = monitorEventLoopDelay({ resolution: 1 });
  clients.enable();
  const repeat = async (times: number[], send: () => Promise<Response>) => {
    while (!ended.signal.aborted) {
      const startedAt = performance.now();
      const response = await send();
      const answer = await response.text();
      if (!response.ok) throw new Error(`A request was answered with ${response.status}: ${answer}`);
      const durationMs = performance.now() - startedAt;
      times.push(durationMs);
      slowest.set(step(), Math.max(slowest.get(step()) ?? 0, Math.round(durationMs)));
      await delay(PAUSE_MS);
    }
  };
  const read = async () => fetch(`${url}/v1/posts/${postId(1 + Math.floor(Math.random() * POSTS))}`);
  const headers = { ...JSON_HEADERS, Authorization: `Bearer ${token}` };
  const body = JSON.stringify({ title: "A post", content: WRITTEN, status: "published" });
  const write = async () => fetch(`${url}/v1/posts`, { method: "POST", headers, body });
  const running = [...Array.from({ length: READERS }, async () => repeat(reads, read)), repeat(writes, write)];
  await work;
  ended.abort();
  await Promise.all(running);
  clients.disable();
  return { reads, writes, slowest, clientDelayMs: Math.round(clients.max / NS_PER_MS) };
}

function figures(times: readonly number[]): string {
  return `${String(times.length).padStart(6)}, p99 ${percentile(times, 0.99)} ms, slowest ${percentile(times, 1)} ms`;
}

function show(phase: string, measured: Awaited<ReturnType<typeof measureDuring>>): void {
  const { reads, writes, slowest, clientDelayMs } = measured;
  process.stdout.write(`${phase.padEnd(15)} reads ${figures(reads)}; writes ${figures(writes)}\n`);
  process.stdout.write(`  longest delay of the clients: ${clientDelayMs} ms\n`);
  for (const [step, ms] of slowest) process.stdout.write(`  slowest (${step}): ${ms} ms\n`);
}

/** Fills a data directory with posts, and with a table of incompressible text for the rest of the size. */
async function fill(directory: string): Promise<void> {
  await fillQuire(directory, POSTS);
  await indexQuire(directory);
  const { client, close } = await openQuire(directory);
  await client.query("create table ballast (n bigint primary key, text text)");
  const rows = (SIZE_MIB * MIB) / ROW_BYTES;
  for (let first = 1; first <= rows; first += ROWS_AT_ONCE) {
    await client.query(`insert into ballast select n, (select string_agg(md5(n::text || part), '')
      from generate_series(1, ${ROW_BYTES / 32}) part) from generate_series(${first}, ${first + ROWS_AT_ONCE - 1}) n`);
  }
  await close();
  // Otherwise the requests would wait for what the operating system has yet to write of this.
  execFileSync("sync");
}

const directory = await mkdtemp(join(process.env["BENCH_DIR"] ?? tmpdir(), "quire-bench-"));
const [data, backups] = [join(directory, "data"), join(directory, "backups")];
try {
  await mkdir(backups);
  await fill(data);
  const server = await startServer(data, { QUIRE_LOG_LEVEL: "warn" });
  const token = await registerAndLogIn(server.url);
  await measureDuring(server.url, token, delay(WARM_UP_MS));
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const command = spawnCli(["backup", "--to", backups, "--keep", "1"], { QUIRE_DATA_DIR: data });
    let step = "before the copy";
    command.process.stderr.on("data", (lines: Buffer) => {
      step = lines.toString().trim().split("\n").at(-1)?.split(":")[0] ?? step;
    });
    const during = await measureDuring(server.url, token, command.ended, () => step);
    const durationMs = performance.now() - startedAt;
    const { exitCode, stderr } = await command.ended;
    if (exitCode !== 0) throw new Error(`The backup ended with ${exitCode}: ${stderr}`);
    show("without backup", await measureDuring(server.url, token, delay(durationMs)));
    show("during backup", during);
    const [name = ""] = await readdir(backups);
    const { size } = await stat(join(backups, name));
    process.stdout.write(`backup: ${(durationMs / 1000).toFixed(1)} s, ${Math.round(size / MIB)} MiB\n`);
  }
  await server.end("SIGTERM");
} finally {
  await rm(directory, { recursive: true, force: true });
}
