/**
 * What fsync costs: posts written to a server over HTTP, by one client and by fifty, with and without it.
 *
 * Run it with `npm run bench:commits`. each row is the median of three interleaved rounds of 3 s on one machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { startServer } from "../tests/process/server.ts";

const SECONDS = 3;
const ROUNDS = 3;
const CLIENTS = [1, 50];
const DURABILITIES = ["fsync", "relaxed"] as const;

interface Measured {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

const JSON_HEADERS = { "Content-Type": "application/json" };

async function logIn(url: string): Promise<string> {
  const credentials = { email: "ada@example.org", password: "correct horse" };
  const post = async (path: string, body: object) =>
    fetch(`${url}${path}`, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body) });
  await post("/v1/users", { name: "Ada", ...credentials });
  const session = await post("/v1/sessions", credentials);
  return ((await session.json()) as { token: string }).token;
}

async function measure(url: string, token: string, connections: number): Promise<Measured> {
  const result = await autocannon({
    url: `${url}/v1/posts`,
    connections,
    duration: SECONDS,
    method: "POST",
    headers: {
      ...JSON_HEADERS,
      Authorization: `Bearer ${token}`,
    },
    body: JSON.stringify({
      title: "A post",
      content: "x".repeat(1e3),
      status: "published",
    }),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refusals, ${result.errors} errors`);
  return { perSecond: result.requests.average, medianMs: result.latency.p50, p99Ms: result.latency.p99 };
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const measured = new Map<string, Measured[]>();
try {
  for (let round = 0; round < ROUNDS; round++) {
    for (const durability of DURABILITIES) {
      const environment = { QUIRE_DURABILITY: durability, QUIRE_LOG_LEVEL: "warn" };
      const server = await startServer(join(directory, durability), environment);
      const token = await logIn(server.url);
      for (const clients of CLIENTS) {
        const row = `${durability.padEnd(8)} ${String(clients).padStart(7)}`;
        measured.set(row, [...(measured.get(row) ?? []), await measure(server.url, token, clients)]);
      }
      await server.end("SIGTERM");
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const lines = [...measured].map(([row, runs]) => {
  const perSecond = median(runs.map((run) => run.perSecond));
  const spread = runs.map((run) => Math.round(run.perSecond)).toSorted((a, b) => a - b);
  const medianMs = median(runs.map((run) => run.medianMs));
  const p99Ms = median(runs.map((run) => run.p99Ms));
  return `${row} ${Math.round(perSecond).toString().padStart(9)} ${String(medianMs).padStart(6)} ${String(p99Ms).padStart(6)}  ${spread.join(" ")}`;
});
process.stdout.write(`mode     clients commits/s p50 ms p99 ms  rounds\n${lines.join("\n")}\n`);
