import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../process/server.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { flood } from "./flood.ts";
import { compare, newAuthors, newLedger, publish, writeWith } from "./ledger.ts";
import { isThorough } from "../../src/contracts/thorough.ts";
import { percentile, report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const MIB = 1_048_576;
/** A number of clients that the server can serve. */
const CALM_CLIENTS = 50;
const CALM_S = 4;
/** Overload: ten times as many, and an extreme number. */
const CLIENTS = isThorough ? [500, 2000] : [500];
const LOAD_S = isThorough ? 120 : 10;
/** Time for the load to connect. */
const CONNECTING_MS = 3000;
const PROBE_INTERVAL_MS = 20;

let directory: string;
let server: RunningServer | null = null;

beforeEach(async () => {
  directory = await copyTemplate();
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  await rm(directory, { recursive: true });
});

/** The resident memory of a process, in bytes. */
async function memoryOf(pid: number | undefined): Promise<number> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
  return Number(stdout) * 1024;
}

/** Measures an overloaded server from a new client until `endsAt`: refusals, liveness checks and memory. */
async function probe(url: string, path: string, pid: number | undefined, endsAt: number) {
  const refusalsMs: number[] = [];
  const livenessMs: number[] = [];
  const memory: number[] = [];
  const timed = async (asked: string) => {
    const startedAt = performance.now();
    const response = await fetch(asked);
    const body = (await response.json()) as object;
    return { response, body, durationMs: performance.now() - startedAt };
  };
  while (performance.now() < endsAt) {
    const { response, body, durationMs } = await timed(`${url}${path}`);
    if (response.status === 503) {
      expect(response.headers.get("Content-Type")).toBe("application/problem+json");
      expect(response.headers.get("Retry-After")).toBe("1");
      expect(body).toMatchObject({ status: 503, code: "server_busy" });
      refusalsMs.push(durationMs);
    }
    const liveness = await timed(`${url}/health/live`);
    expect(liveness.response.status).toBe(200);
    livenessMs.push(liveness.durationMs);
    memory.push(await memoryOf(pid));
    await delay(PROBE_INTERVAL_MS);
  }
  return { refusalsMs, livenessMs, memory };
}

describe("a server under overload", () => {
  it.each(CLIENTS)(
    `sheds load of %i clients with 503 and Retry-After, keeps serving, bounds its memory and recovers immediately (${LOAD_S} s)`,
    async (clients) => {
      // The load comes from one address. It is a trusted proxy here, so the limit of one address does not apply.
      server = await startServer(directory, { QUIRE_LOG_LEVEL: "fatal", QUIRE_TRUSTED_PROXIES: "127.0.0.1" });
      const { url, process } = server;
      const authors = await newAuthors(url, 5);
      const ledger = newLedger();
      for (const author of authors.slice(0, 1)) await publish(url, author, "Read by all", ledger);
      const path = `/v1/posts/${ledger.acknowledged.get("Read by all")?.id}`;
      const calm = await flood(`${url}${path}`, CALM_CLIENTS, CALM_S);

      const endsAt = performance.now() + LOAD_S * 1000;
      const load = flood(`${url}${path}`, clients, LOAD_S);
      const writing = writeWith(url, authors, ledger);
      await delay(CONNECTING_MS);
      const { refusalsMs, livenessMs, memory } = await probe(url, path, process.pid, endsAt);
      const { answers, errors } = await load;
      const backMs = await eventually("an answer", async () => (await fetch(`${url}${path}`)).status === 200);
      await writing.stop();

      const servedPerSecond = (answers["200"] ?? 0) / LOAD_S;
      const warm = memory.slice(0, Math.ceil(memory.length * 0.3));
      report(`${clients} clients`, {
        [`served a second to ${CALM_CLIENTS}`]: Math.round((calm.answers["200"] ?? 0) / CALM_S),
        [`to ${clients}`]: Math.round(servedPerSecond),
        refused: Math.round((answers["503"] ?? 0) / LOAD_S),
        "refusals in ms, median": percentile(refusalsMs, 0.5),
        "90 %": percentile(refusalsMs, 0.9),
        "liveness in ms, median": percentile(livenessMs, 0.5),
        slowest: percentile(livenessMs, 1),
        "memory in MiB, warm": Math.round(Math.max(...warm) / MIB),
        "at most": Math.round(Math.max(...memory) / MIB),
        "recovered after ms": backMs,
      });
      expect(Object.keys(calm.answers)).toEqual(["200"]);
      expect(Object.keys(answers).toSorted()).toEqual(["200", "503"]);
      expect(errors).toBe(0);
      expect(refusalsMs.length).toBeGreaterThan(0);
      expect(Math.max(...memory)).toBeLessThan(1.5 * Math.max(...warm) + 100 * MIB);
      expect([...ledger.refused.values()].filter(({ code }) => !/^(?:server|storage)_busy$/.test(code))).toEqual([]);
      expect(await compare(url, ledger)).toEqual({ lost: [], unsent: [] });
      // The work of refusing must not stop the server from serving. A refusal takes about as long as a read from the post cache.
      expect(servedPerSecond).toBeGreaterThan((calm.answers["200"] ?? 0) / CALM_S / 10);
    },
    LOAD_S * 1000 + 120_000,
  );
});
