/**
 * The cost of a commit: posts over HTTP, from 1 and from 50 clients, with and without an Idempotency-Key, on the embedded
 * engine with and without fsync, and on a PostgreSQL server.
 *
 * `npm run bench:commits` prints the median of interleaved rounds of 3 s. `ratio` compares a row with the row without keys.
 * BENCH_ROUNDS sets the number of rounds. BENCH_ONLY, a regular expression, selects modes.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startServer } from "../tests/process/server.ts";
import { startPostgresServer } from "../tests/support/postgres-server.ts";
import { WRITTEN } from "./data-set.ts";
import { JSON_HEADERS, registerAndLogIn } from "./log-in.ts";
import { measure, UNIQUE, type Measured, type Work } from "./load.ts";
import { median } from "./table.ts";

const SECONDS = 3;
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const ONLY = new RegExp(process.env["BENCH_ONLY"] ?? "");
const CLIENTS = [1, 50];
const SETTLE_MS = 1000;

function writes(token: string, connections: number, hasKeys: boolean): Work {
  const key = hasKeys ? { "Idempotency-Key": `${crypto.randomUUID()}-${UNIQUE}` } : {};
  const headers = { ...JSON_HEADERS, Authorization: `Bearer ${token}`, ...key };
  const body = JSON.stringify({ title: "A post", content: WRITTEN, status: "published" });
  return { name: "POST", connections, requests: [{ method: "POST", path: "/v1/posts", headers, body }] };
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const postgres = await startPostgresServer();
const modes = Object.entries({
  fsync: { QUIRE_DURABILITY: "fsync" },
  relaxed: { QUIRE_DURABILITY: "relaxed" },
  server: { DATABASE_URL: `${postgres.url}/postgres` },
}).filter(([mode]) => ONLY.test(mode));
const measured = new Map<string, Measured[]>();
const nameOf = (mode: string, clients: number, hasKeys: boolean) =>
  `${mode.padEnd(8)} ${String(clients).padStart(7)} ${hasKeys ? "with   " : "without"}`;
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const [mode, environment] of modes) {
      const server = await startServer(join(directory, mode), { ...environment, QUIRE_LOG_LEVEL: "warn" });
      const token = await registerAndLogIn(server.url);
      for (const clients of CLIENTS) {
        // Which comes first alternates: the later one finds more rows and a longer queue of posts to index.
        for (const hasKeys of round % 2 === 0 ? [false, true] : [true, false]) {
          const row = nameOf(mode, clients, hasKeys);
          // Requests whose connections the load generator has closed still run, and count for the bound of its address.
          await delay(SETTLE_MS);
          const run = await measure([server.url], writes(token, clients, hasKeys), SECONDS);
          measured.set(row, [...(measured.get(row) ?? []), run]);
        }
      }
      await server.end("SIGTERM");
    }
  }
} finally {
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}

const perSecondOf = (row: string) => median((measured.get(row) ?? []).map((run) => run.perSecond));
const lines = [...measured].map(([row, runs]) => {
  const spread = runs.map((run) => Math.round(run.perSecond)).toSorted((a, b) => a - b);
  const medianMs = median(runs.map((run) => run.p50Ms));
  const p99Ms = median(runs.map((run) => run.p99Ms));
  const ratio = perSecondOf(row) / perSecondOf(row.replace("with   ", "without"));
  return `${row} ${Math.round(perSecondOf(row)).toString().padStart(9)} ${ratio.toFixed(2)} ${String(medianMs).padStart(6)} ${String(p99Ms).padStart(6)}  ${spread.join(" ")}`;
});
process.stdout.write(`mode     clients keys    commits/s ratio p50 ms p99 ms  rounds\n${lines.join("\n")}\n`);
