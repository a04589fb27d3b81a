import { rm } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canMakeContainers, runInContainer, runServer, startInContainer, startServer } from "../process/server.ts";
import type { RunningServer } from "../process/server.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { compare, newAuthors, newLedger, writeWith } from "./ledger.ts";
import { report } from "../support/rounds.ts";

const IN_USE = 75;
const TIMEOUT_MS = 120_000;

let directory: string;
let servers: RunningServer[] = [];

beforeEach(async () => {
  directory = await copyTemplate();
});

afterEach(async () => {
  for (const server of servers) await server.end("SIGKILL");
  servers = [];
  await rm(directory, { recursive: true });
});

async function start(): Promise<RunningServer> {
  const server = await startServer(directory);
  servers.push(server);
  return server;
}

describe("a second process on a data directory", () => {
  it(
    "exits with 75 and names the pid, host and start time of the first process, which is not disturbed",
    async () => {
      const before = Date.now();
      const first = await start();
      const after = Date.now();
      const ledger = newLedger();
      const writing = writeWith(first.url, await newAuthors(first.url, 3), ledger);

      const durationsMs: number[] = [];
      for (let opener = 0; opener < 3; opener++) {
        const startedAt = performance.now();
        const { exitCode, stdout, stderr } = await runServer({ QUIRE_DATA_DIR: directory });
        durationsMs.push(Math.round(performance.now() - startedAt));
        expect({ exitCode, stdout }).toEqual({ exitCode: IN_USE, stdout: "" });
        const [, pid, host, since] = /process (\d+) on (\S+), since (\S+)\. /.exec(stderr) ?? [];
        expect({ pid, host }).toEqual({ pid: String(first.process.pid), host: hostname() });
        expect(Date.parse(since ?? "")).toBeGreaterThanOrEqual(before);
        expect(Date.parse(since ?? "")).toBeLessThanOrEqual(after);
      }

      await writing.stop();
      expect(ledger.acknowledged.size).toBeGreaterThan(0);
      expect({ refused: ledger.refused.size, unknown: ledger.unknown.size }).toEqual({ refused: 0, unknown: 0 });
      expect(await compare(first.url, ledger)).toEqual({ lost: [], unsent: [] });
      report("A second process ends", { "after ms": durationsMs.join(" / ") });
    },
    TIMEOUT_MS,
  );

  it(
    "serves after the first process was killed, without manual work",
    async () => {
      const first = await start();
      expect((await runServer({ QUIRE_DATA_DIR: directory })).exitCode).toBe(IN_USE);
      await first.end("SIGKILL");
      const second = await start();
      expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
      const third = await runServer({ QUIRE_DATA_DIR: directory });
      expect(third.stderr).toContain(`process ${second.process.pid} on `);
    },
    TIMEOUT_MS,
  );

  it(
    "is refused when ten processes start on an empty directory at the same time: one serves, nine exit",
    async () => {
      const empty = join(directory, "empty");
      const openers = await Promise.allSettled(Array.from({ length: 10 }, async () => startServer(empty)));
      servers = openers.flatMap((opener) => (opener.status === "fulfilled" ? [opener.value] : []));
      expect(servers.length).toBe(1);
      const [server] = servers;
      expect((await fetch(`${server?.url}/health/ready`)).status).toBe(200);
      const refusals = openers.flatMap((opener) => (opener.status === "rejected" ? [String(opener.reason)] : []));
      for (const refusal of refusals)
        expect(refusal).toContain(`ended with ${IN_USE}: The data directory ${empty} is in use by `);
      expect((await server?.end("SIGTERM"))?.exitCode).toBe(0);
    },
    TIMEOUT_MS,
  );
});

const isSkipped = !canMakeContainers();
if (isSkipped) report("The tests of a second container are skipped", { because: "unshare needs Linux and root" });

// Containers share the kernel, but not process ids or host names. A volume is a path on the host.
describe.skipIf(isSkipped)("a second container on a volume", () => {
  it(
    "exits with 75 and names the first container, although both processes have the id 1",
    async () => {
      const first = await startInContainer(directory, "first-container");
      servers.push(first);
      const { exitCode, stderr } = await runInContainer(directory, "second-container");
      expect(exitCode).toBe(IN_USE);
      expect(stderr).toContain("in use by process 1 on first-container, since ");
      expect((await fetch(`${first.url}/health/ready`)).status).toBe(200);
    },
    TIMEOUT_MS,
  );

  it(
    "serves after the first container was killed",
    async () => {
      const first = await startInContainer(directory, "first-container");
      servers.push(first);
      await first.end("SIGKILL");
      const second = await startInContainer(directory, "second-container");
      servers.push(second);
      expect((await fetch(`${second.url}/health/ready`)).status).toBe(200);
    },
    TIMEOUT_MS,
  );
});
