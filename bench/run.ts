/**
 * Compares Quire with other servers: the same data, the same requests, the same machine, in interleaved rounds.
 *
 * Each post has its own text of 1 KB with the word frequencies of a natural language. Posts are read by id with equal
 * probabilities, and in proportion to 1 / n for the n-th most popular post (Zipf); the mixed work, nine reads and a write, reads in
 * that way too. Searches are measured where a contender has them. A contender with Quire's tables, indexes and triggers
 * shows their cost for a plain server.
 *
 * `npm run bench` prints the table and the hit ratios of Quire's post cache, and writes `bench/results.json`. BENCH_POSTS sets
 * the number of posts, BENCH_ROUNDS the number of rounds, BENCH_SECONDS the length of a measurement. BENCH_ONLY, a regular
 * expression, selects contenders; only their stores are filled. BENCH_WORKS, another one, selects measurements.
 *
 * Quire's search index is built before the measurement, about 3 ms a post and store. BENCH_SEARCH=0 skips that and the
 * searches; Quire then indexes the posts in the background while it is measured, which makes it slower.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Api } from "./api.ts";
import { prepare } from "./contenders.ts";
import { DATA_SET } from "./data-set.ts";
import { hitRatios } from "./hit-ratio.ts";
import { createDraft, MAX_CONNECTIONS, measure, works, type Measured, type Work } from "./load.ts";
import { start, type Contender, type Running } from "./server.ts";
import { table, type Row } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? "2");
const WORKS = new RegExp(process.env["BENCH_WORKS"] ?? "");
const WARM_UP_SECONDS = 1;
/** Long enough to read as many posts as Quire's cache holds, and for V8 to compile the code of an insert. */
const SEQUENCE_WARM_UP_SECONDS = 5;
/** The responses that each connection needs. A measurement with fewer is repeated, `LONGER` times as long. */
const ENOUGH_ANSWERS = 10;
const LONGER = 4;
const RESULTS = fileURLToPath(new URL("results.json", import.meta.url));

const rows = new Map<string, Row>();

function note(contender: string, work: string, measured: Partial<Measured> & { readonly value: number }): void {
  const key = `${contender}\n${work}`;
  const row = rows.get(key) ?? { contender, work, runs: [] };
  rows.set(key, { ...row, runs: [...row.runs, measured] });
}

/**
 * Waits until the server has answered the requests of the previous measurement. A page waits behind them for the database,
 * whereas a post can come from a cache.
 */
async function measureAlone({ urls }: Running, api: Api, work: Work, seconds: number): Promise<Measured> {
  for (const url of urls) await (await fetch(`${url}${api.firstPage}`)).arrayBuffer();
  return measure(urls, work, seconds);
}

/** With few responses, the requests that are unanswered at the end distort the result. */
async function measureLong(server: Running, api: Api, work: Work): Promise<Measured> {
  const measured = await measureAlone(server, api, work, SECONDS);
  const isEnough = measured.perSecond * SECONDS >= ENOUGH_ANSWERS * work.connections;
  return isEnough ? measured : measureAlone(server, api, work, LONGER * SECONDS);
}

/**
 * Before the first measurement of a sequence, which has few connections, as many connections as the last one has fill the caches,
 * and V8 compiles hot code. One connection would not send enough.
 */
async function warmUp(server: Running, api: Api, work: Work, sequence: readonly Work[]): Promise<void> {
  const connections = Math.max(...sequence.map((other) => other.connections));
  const isFirst = work === sequence[0] && work.connections < connections;
  if (isFirst) await measureAlone(server, api, { ...work, connections }, SEQUENCE_WARM_UP_SECONDS);
  else await measureAlone(server, api, work, WARM_UP_SECONDS);
}

async function run(contender: Contender): Promise<void> {
  const server = await start(contender);
  try {
    note(contender.name, "ready, ms", { value: Math.round(server.readyMs) });
    if (contender.isOnlyStarted === true) return;
    const { api, processes = 1 } = contender;
    // One connection or ten cannot occupy several processes.
    const all = works(api, await createDraft(api, server.urls[0])).filter(
      ({ name, connections }) => WORKS.test(name) && (processes === 1 || connections === MAX_CONNECTIONS),
    );
    for (const work of all) {
      const sequence = all.filter(({ name }) => name === work.name);
      await warmUp(server, api, work, sequence);
      const measured = await measureLong(server, api, work);
      note(contender.name, `${work.name} × ${work.connections}`, { ...measured, value: measured.perSecond });
    }
    note(contender.name, "memory, MiB", { value: server.memoryMiB() });
  } finally {
    await server.stop();
  }
}

/** Writes the results so far. */
async function save(absent: readonly string[], rounds: number): Promise<void> {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), Node ${process.versions.node}`;
  const facts = { machine, posts: DATA_SET.posts, rounds, seconds: SECONDS, absent };
  await writeFile(RESULTS, `${JSON.stringify({ ...facts, rows: [...rows.values()] }, null, 2)}\n`);
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const arena = await prepare(directory);
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of arena.contenders) {
      process.stderr.write(`round ${round + 1} of ${ROUNDS}: ${contender.name}\n`);
      await run(contender);
    }
    await save(arena.absent, round + 1);
  }
} finally {
  await arena.close();
  await rm(directory, { recursive: true, force: true });
}

const notes = [await hitRatios(), ...arena.absent];
process.stdout.write(`${table([...rows.values()])}\n${notes.map((text) => `${text}\n`).join("")}`);
