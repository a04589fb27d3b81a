/**
 * Quire beside what one would take instead: the same data, the same requests, on the same machine, in interleaved rounds.
 *
 * `npm run bench` writes the table, `bench/results.json` and `docs/benchmark.svg`. BENCH_POSTS, BENCH_ROUNDS and
 * BENCH_SECONDS change how much there is, how often it is measured and for how long each.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chart } from "./chart.ts";
import { prepare } from "./contenders.ts";
import { DATA_SET, postId } from "./data-set.ts";
import { createDraft, measure, works, type Measured } from "./load.ts";
import { start, type Contender } from "./server.ts";
import { table, type Row } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const SECONDS = Number(process.env["BENCH_SECONDS"] ?? "2");
const WARM_UP_SECONDS = 1;
const RESULTS = fileURLToPath(new URL("results.json", import.meta.url));
const CHART = fileURLToPath(new URL("../docs/benchmark.svg", import.meta.url));

const rows = new Map<string, Row>();

function note(contender: string, work: string, measured: Partial<Measured> & { readonly value: number }): void {
  const key = `${contender}\n${work}`;
  const row = rows.get(key) ?? { contender, work, runs: [] };
  rows.set(key, { ...row, runs: [...row.runs, measured] });
}

async function run(contender: Contender): Promise<void> {
  const server = await start(contender, `/v1/posts/${postId(1)}`);
  try {
    note(contender.name, "ready, ms", { value: Math.round(server.readyMs) });
    if (contender.isOnlyStarted === true) return;
    const isAlone = contender.script.endsWith("hono-bare.mjs");
    const draft = isAlone ? postId(1) : await createDraft(server.url);
    const all = works(draft, contender.name.startsWith("Quire"));
    // What runs often is compiled only after thousands of requests, and the first work has one connection.
    for (const work of all.filter(({ name }) => name === "GET by id").slice(-1)) {
      await measure(server.url, work, 2 * WARM_UP_SECONDS);
    }
    for (const work of all) {
      await measure(server.url, work, WARM_UP_SECONDS);
      const measured = await measure(server.url, work, SECONDS);
      note(contender.name, `${work.name} × ${work.connections}`, { ...measured, value: measured.perSecond });
    }
    note(contender.name, "memory, MiB", { value: server.memoryMiB() });
  } finally {
    await server.stop();
  }
}

/** Writes what is known so far. */
async function save(absent: readonly string[], rounds: number): Promise<void> {
  const machine = `${cpus().length} cores (${cpus()[0]?.model ?? "unknown"}), Node ${process.versions.node}`;
  const facts = { machine, posts: DATA_SET.posts, rounds, seconds: SECONDS, absent };
  const all = [...rows.values()];
  await writeFile(RESULTS, `${JSON.stringify({ ...facts, rows: all }, null, 2)}\n`);
  await writeFile(CHART, chart(all));
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

process.stdout.write(`${table([...rows.values()])}\n${arena.absent.map((text) => `${text}\n`).join("")}`);
