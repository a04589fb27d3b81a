/**
 * The cost of a backup for requests: the slowest read and the slowest write on a data directory of BENCH_MIB (1,024 by
 * default), without a backup and during one.
 *
 * `npm run bench:backup` prints each round. Four clients read posts, and one writes posts, with a pause of 10 ms between two requests.
 * Both phases take the same time: that of the backup. BENCH_ROUNDS sets the number of rounds. On a virtual machine, the processor time
 * that its host gave to others (steal time) is printed too: pauses grow with it.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { spawnCli, startServer } from "../tests/process/server.ts";
import { postId, WRITTEN } from "./data-set.ts";
import { measureUntil, type Measured, type Work } from "./load.ts";
import { JSON_HEADERS, registerAndLogIn } from "./log-in.ts";
import { fillQuire, indexQuire, openQuire } from "./quire.ts";

const MIB = 1_048_576;
const SIZE_MIB = Number(process.env["BENCH_MIB"] ?? "1024");
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const POSTS = 5000;
const READS = 10_000;
const READERS = 4;
/** The server is not saturated: then each request would wait for the processors anyway. */
const PAUSE_MS = 10;
/** After a start, V8 compiles the program, and the first analysis of the filled tables follows. */
const WARM_UP_MS = 30_000;
const ROW_BYTES = 1024;
const ROWS_AT_ONCE = 20_000;

const PROCESSOR_TIMES = "/proc/stat";
/** The place of the steal time in the first line (proc_stat(5)). */
const STEAL = 7;

/** The processor time since the machine started, and the part that the host of a virtual machine gave to others; zeros without /proc. */
function processorTimes() {
  const [line = ""] = existsSync(PROCESSOR_TIMES) ? readFileSync(PROCESSOR_TIMES, "utf8").split("\n") : [];
  const times = line.split(/\s+/).slice(1, 9).map(Number);
  return { total: times.reduce((sum, time) => sum + time, 0), stolen: times[STEAL] ?? 0 };
}

interface Phase {
  readonly measured: readonly Measured[];
  readonly stealShare: number;
}

/** Clients that send one request after the other until the work ends. */
async function measureDuring(work: Promise<unknown>, url: string, token: string): Promise<Phase> {
  const before = processorTimes();
  const paths = Array.from({ length: READS }, () => `/v1/posts/${postId(1 + Math.floor(Math.random() * POSTS))}`);
  const headers = { ...JSON_HEADERS, Authorization: `Bearer ${token}` };
  const body = JSON.stringify({ title: "A post", content: WRITTEN, status: "published" });
  const reads: Work = {
    name: "reads",
    connections: READERS,
    requests: paths.map((path) => ({ method: "GET", path })),
  };
  const writes: Work = {
    name: "writes",
    connections: 1,
    requests: [{ method: "POST", path: "/v1/posts", headers, body }],
  };
  const measured = await Promise.all([reads, writes].map(async (sent) => measureUntil(work, url, sent, PAUSE_MS)));
  const after = processorTimes();
  const stealShare = (after.stolen - before.stolen) / Math.max(1, after.total - before.total);
  return { measured, stealShare };
}

function show(phase: string, { measured, stealShare }: Phase): void {
  const [reads, writes] = measured.map(
    ({ requests, p99Ms, slowestMs }) => `${String(requests).padStart(6)}, p99 ${p99Ms} ms, slowest ${slowestMs} ms`,
  );
  process.stdout.write(
    `${phase.padEnd(15)} reads ${reads}; writes ${writes}; steal ${(100 * stealShare).toFixed(1)} %\n`,
  );
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
  await measureDuring(delay(WARM_UP_MS), server.url, token);
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    const command = spawnCli(["backup", "--to", backups, "--keep", "1"], { QUIRE_DATA_DIR: data });
    const during = await measureDuring(command.ended, server.url, token);
    const durationMs = performance.now() - startedAt;
    const { exitCode, stderr } = await command.ended;
    if (exitCode !== 0) throw new Error(`The backup ended with ${exitCode}: ${stderr}`);
    show("without backup", await measureDuring(delay(durationMs), server.url, token));
    show("during backup", during);
    const [name = ""] = await readdir(backups);
    const { size } = await stat(join(backups, name));
    process.stdout.write(`backup: ${(durationMs / 1000).toFixed(1)} s, ${Math.round(size / MIB)} MiB\n`);
  }
  await server.end("SIGTERM");
} finally {
  await rm(directory, { recursive: true, force: true });
}
