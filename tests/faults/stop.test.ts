import { rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readControlFile } from "../../src/infrastructure/pglite/integrity/control-file.ts";
import { startServer, type RunningServer } from "../process/server.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { compare, indexDamage, newAuthors, newLedger, writeWith, type Author, type Ledger } from "./ledger.ts";
import { report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const TIMEOUT_MS = 120_000;
/** After this time a second signal counts. Before it, it can be the same Ctrl-C, which npm forwards. */
const SECOND_SIGNAL_AFTER_MS = 150;

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

async function start(environment: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  server = await startServer(directory, environment);
  return server;
}

function isShutDown(): boolean | undefined {
  return readControlFile(join(directory, "cluster"))?.isShutDown;
}

/** Starts several clients and waits for 50 posts. The clients then continue until `stop`. */
async function writeForAWhile({ url }: RunningServer, ledger: Ledger) {
  const authors = await newAuthors(url, 5);
  const writing = writeWith(url, authors, ledger);
  await eventually("50 posts", () => ledger.acknowledged.size >= 50, 60_000);
  return { authors, stop: writing.stop };
}

/** Begins an upload that never ends, so that the server has a running request. */
async function uploadForEver({ url }: RunningServer, author: Author | undefined): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  const head = [
    "POST /v1/posts HTTP/1.1",
    `Host: ${hostname}`,
    `Authorization: Bearer ${author?.token}`,
    "Content-Type: application/json",
    "Content-Length: 1000",
    "",
    '{"title": "Never',
  ];
  await new Promise<void>((settle) => socket.write(head.join("\r\n"), () => settle()));
  await delay(100);
  return socket;
}

describe("the shutdown of a server", () => {
  it(
    "exits with 0 at SIGTERM under load, loses nothing, and needs no crash recovery",
    async () => {
      const ledger = newLedger();
      const first = await start();
      const writing = await writeForAWhile(first, ledger);
      expect(isShutDown()).toBe(false);
      const startedAt = performance.now();
      const { exitCode } = await first.end("SIGTERM");
      const durationMs = Math.round(performance.now() - startedAt);
      await writing.stop();
      expect(exitCode).toBe(0);
      expect(isShutDown()).toBe(true);
      expect([...ledger.refused]).toEqual([]);

      const { url } = await start();
      expect(await compare(url, ledger)).toEqual(NOTHING);
      await server?.end("SIGTERM");
      expect(await indexDamage(directory)).toEqual([]);
      report("SIGTERM under load", { "stop in ms": durationMs, acknowledged: ledger.acknowledged.size });
    },
    TIMEOUT_MS,
  );

  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "drains a running request until a second %s ends the process immediately with %i, and loses nothing",
    async (signal, expectedExitCode) => {
      const ledger = newLedger();
      const first = await start();
      const writing = await writeForAWhile(first, ledger);
      const upload = await uploadForEver(first, writing.authors[0]);
      const ended = first.end("SIGTERM");
      await delay(SECOND_SIGNAL_AFTER_MS);
      expect(first.process.exitCode).toBeNull();
      const startedAt = performance.now();
      first.process.kill(signal);
      const { exitCode, stderr } = await ended;
      const durationMs = Math.round(performance.now() - startedAt);
      await writing.stop();
      upload.destroy();
      expect(exitCode).toBe(expectedExitCode);
      expect(stderr).not.toContain('"msg":"stopped"');

      const { url } = await start();
      expect(await compare(url, ledger)).toEqual(NOTHING);
      await server?.end("SIGTERM");
      expect(await indexDamage(directory)).toEqual([]);
      report(`A second signal, ${signal}`, { "end in ms": durationMs });
    },
    TIMEOUT_MS,
  );

  it(
    "counts two signals in quick succession as one",
    async () => {
      const first = await start();
      const ended = first.end("SIGINT");
      first.process.kill("SIGTERM");
      expect((await ended).exitCode).toBe(0);
      expect(isShutDown()).toBe(true);
    },
    TIMEOUT_MS,
  );
});

describe("durability", () => {
  it(
    "is fsync by default, and /health/ready shows it",
    async () => {
      const first = await start();
      expect(await (await fetch(`${first.url}/health/ready`)).json()).toMatchObject({ durability: "fsync" });
      expect((await first.end("SIGTERM")).stderr).not.toContain("power cut");
    },
    TIMEOUT_MS,
  );

  it(
    "is relaxed when it is configured, with a warning at the start and in /health/ready",
    async () => {
      const first = await start({ QUIRE_DURABILITY: "relaxed" });
      expect(await (await fetch(`${first.url}/health/ready`)).json()).toMatchObject({ durability: "relaxed" });
      const { exitCode, stderr } = await first.end("SIGTERM");
      expect(exitCode).toBe(0);
      const warning = stderr.split("\n").find((line) => line.includes("power cut"));
      expect(JSON.parse(warning ?? "{}")).toMatchObject({ level: "warn", durability: "relaxed" });
    },
    TIMEOUT_MS,
  );
});
