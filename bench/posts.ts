/**
 * The throughput of new posts in several builds of the server, with 50 connections.
 *
 * `npm run bench:posts -- dist ../before/dist` starts a server from each build, and measures them in interleaved rounds. It prints the
 * medians, and the ratios to the first build. The servers that are not measured are stopped, because they would index their posts
 * meanwhile. The cost of the search index: a copy of `dist` in which `start` of `searchIndexing` returns at once.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { measure, works, type Work } from "./load.ts";
import { fillQuire, quireOn } from "./quire.ts";
import { start, type Running } from "./server.ts";
import { median } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "9");
const SECONDS = 6;
const WARM_UP_SECONDS = 3;
const CONNECTIONS = 50;
const POSTS = 5_000;
const SETTLE_MS = 500;

const builds = process.argv.slice(2);
if (builds.length === 0) throw new Error("Name the directories of the builds, such as dist.");

interface Measurement {
  readonly build: string;
  readonly running: Running;
  readonly work: Work;
  readonly perSecond: number[];
}

async function startBuild(build: string, data: string): Promise<Measurement> {
  const contender = { ...quireOn(build, data, "fsync"), script: resolve(build, "main.js") };
  const work = works(contender.api, "").find(({ name, connections }) => name === "POST" && connections === CONNECTIONS);
  if (work === undefined) throw new Error("No measurement writes posts.");
  return { build, running: await start(contender), work, perSecond: [] };
}

/** Measures one server while the others are stopped. */
async function measureAlone(measured: Measurement, all: readonly Measurement[], seconds: number): Promise<number> {
  for (const { running } of all) process.kill(running.pids[0], running === measured.running ? "SIGCONT" : "SIGSTOP");
  await delay(SETTLE_MS);
  return (await measure(measured.running.urls, measured.work, seconds)).perSecond;
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const all: Measurement[] = [];
try {
  const data = join(directory, "data");
  await fillQuire(data, POSTS);
  for (const [index, build] of builds.entries()) {
    const copy = join(directory, String(index));
    await cp(data, copy, { recursive: true });
    all.push(await startBuild(build, copy));
  }
  for (const each of all) await measureAlone(each, all, WARM_UP_SECONDS);
  for (let round = 0; round < ROUNDS; round++) {
    // Each build is as often the first of a round as the last.
    for (const each of round % 2 === 0 ? all : all.toReversed()) {
      each.perSecond.push(await measureAlone(each, all, SECONDS));
    }
  }
} finally {
  for (const { running } of all) process.kill(running.pids[0], "SIGCONT");
  await Promise.all(all.map(async ({ running }) => running.stop()));
  await rm(directory, { recursive: true, force: true });
}
for (const { build, perSecond } of all) {
  const ratios = perSecond.map((value, round) => value / (all[0]?.perSecond[round] ?? 0));
  process.stdout.write(
    `${build.padEnd(24)} ${Math.round(median(perSecond))} posts/s  ratio ${median(ratios).toFixed(2)} ` +
      `(${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})\n`,
  );
}
