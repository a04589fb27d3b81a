/**
 * What fsync costs: posts written to a server over HTTP, by one client and by fifty, with and without it.
 *
 * Run it with `npm run bench:commits`. each row is the median of three interleaved rounds of 3 s on one machine.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startServer } from "../tests/process/server.ts";
import { measure, type Measured, type Work } from "./load.ts";
import { median } from "./table.ts";

const SECONDS = 3;
const ROUNDS = 3;
const CLIENTS = [1, 50];
const DURABILITIES = ["fsync", "relaxed"] as const;

const JSON_HEADERS = { "Content-Type": "application/json" };

async function logIn(url: string): Promise<string> {
  const credentials = { email: "ada@example.org", password: "correct horse" };
  const post = async (path: string, body: object) =>
    fetch(`${url}${path}`, { method: "POST", headers: JSON_HEADERS, body: JSON.stringify(body) });
  await post("/v1/users", { name: "Ada", ...credentials });
  const session = await post("/v1/sessions", credentials);
  return ((await session.json()) as { token: string }).token;
}

function writes(token: string, connections: number): Work {
  const headers = { ...JSON_HEADERS, Authorization: `Bearer ${token}` };
  const body = JSON.stringify({ title: "A post", content: "x".repeat(1e3), status: "published" });
  return { name: "POST", connections, requests: [{ method: "POST", path: "/v1/posts", headers, body }] };
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
        measured.set(row, [...(measured.get(row) ?? []), await measure([server.url], writes(token, clients), SECONDS)]);
      }
      await server.end("SIGTERM");
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

const lines = [...measured].map(([row, runs]) => {
  const perSecond = median(runs.map((run) => run.perSecond));
  const spread = runs.map((run) => Math.round(run.perSecond)).toSorted((a, b) => a - b);
  const medianMs = median(runs.map((run) => run.p50Ms));
  const p99Ms = median(runs.map((run) => run.p99Ms));
  return `${row} ${Math.round(perSecond).toString().padStart(9)} ${String(medianMs).padStart(6)} ${String(p99Ms).padStart(6)}  ${spread.join(" ")}`;
});
process.stdout.write(`mode     clients commits/s p50 ms p99 ms  rounds\n${lines.join("\n")}\n`);
