/**
 * The processor time of a request in several builds of the server.
 *
 * `npm run bench:builds -- dist ../before/dist` starts a server from each build and sends requests in interleaved rounds with
 * 50 connections. It prints microseconds of processor time of all threads (Linux only), as medians and as ratios to the first
 * build. `BENCH_ROUNDS` sets the number of rounds. Variables of the environment may follow a build, as in
 * `npm run bench:builds -- dist dist,QUIRE_METRICS_PORT=0`.
 */
import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DATA_SET, postId } from "./data-set.ts";
import { measure, type RequestLine, type Work } from "./load.ts";
import { fillQuire, indexQuire, quireOn } from "./quire.ts";
import { start, type Running } from "./server.ts";
import { median } from "./table.ts";

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "15");
const SECONDS = 1;
const WARM_UP_SECONDS = 4;
const POSTS = 10_000;
const MANY = 20_000;
/** A limit that no client reaches: every request is counted and none is refused. */
const COUNTED = { QUIRE_RATE_LIMIT_PER_MINUTE: "1000000" };

const [first, ...others] = process.argv.slice(2);
if (first === undefined) throw new Error("Name the directories of the builds, such as dist.");
const builds = [first, ...others];

/** The directory of a build, and the variables after it. */
function parseBuild(build: string) {
  const [path = "", ...variables] = build.split(",");
  return { path, variables: Object.fromEntries(variables.map((each) => each.split(/=(.*)/, 2))) };
}

const headers = { Authorization: `Bearer ${DATA_SET.token}` };
const somePost = () => `/v1/posts/${postId(1 + Math.floor(Math.random() * POSTS))}`;
const reads = (more: Partial<RequestLine>) =>
  Array.from({ length: MANY }, (): RequestLine => ({ method: "GET", path: somePost(), ...more }));
const WORKS: readonly Work[] = [
  { name: "GET by id", connections: 50, requests: reads({}) },
  { name: "GET by id, logged in", connections: 50, requests: reads({ headers }) },
  { name: "first page", connections: 50, requests: [{ method: "GET", path: "/v1/posts" }] },
];

/** The processor time of all threads of a process, in microseconds (Linux, sched-stats.rst). */
async function processorTime(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = threads.map(async (thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, "utf8"));
  return (await Promise.all(times)).reduce((sum, text) => sum + Number.parseInt(text, 10) / 1000, 0);
}

async function costOf({ urls, pids: [pid] }: Running, work: Work): Promise<number> {
  const before = await processorTime(pid);
  const { requests } = await measure(urls, work, SECONDS);
  return ((await processorTime(pid)) - before) / requests;
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const servers: Running[] = [];
const costs = new Map<string, number[]>();
try {
  await fillQuire(join(directory, "filled"), POSTS);
  // The servers would do it beside the requests.
  await indexQuire(join(directory, "filled"));
  for (const [index, build] of builds.entries()) {
    await cp(join(directory, "filled"), join(directory, String(index)), { recursive: true });
    const { path, variables } = parseBuild(build);
    const contender = quireOn(path, join(directory, String(index)), "fsync");
    const environment = { ...contender.environment, ...COUNTED, ...variables };
    servers.push(await start({ ...contender, environment, script: resolve(path, "main.js") }));
  }
  for (const work of WORKS) {
    for (const { urls } of servers) await measure(urls, work, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round++) {
      // The order is reversed in every second round, because the load of the machine changes.
      const order = [...servers.entries()];
      for (const [index, server] of round % 2 === 0 ? order : order.toReversed()) {
        const row = `${work.name} ${builds[index]}`;
        costs.set(row, [...(costs.get(row) ?? []), await costOf(server, work)]);
      }
    }
    const base = costs.get(`${work.name} ${first}`) ?? [];
    for (const build of builds) {
      const runs = costs.get(`${work.name} ${build}`) ?? [];
      const ratio = median(runs.map((cost, round) => cost / (base[round] ?? cost)));
      const rounds = runs.map((cost) => cost.toFixed(1)).join(" ");
      process.stdout.write(`${work.name}, ${build}: ${median(runs).toFixed(1)} µs, × ${ratio.toFixed(3)}  ${rounds}\n`);
    }
  }
} finally {
  await Promise.all(servers.map(async (server) => server.stop()));
  await rm(directory, { recursive: true });
}
