import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, watch, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { prepareCluster } from "../../src/infrastructure/pglite/directory/cluster.ts";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { spawnServer, startServer, type RunningServer } from "../process/server.ts";
import { copyDirectory } from "../support/plain-engine.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { expectEachOnce, publishWithKeys, repeat } from "./keyed-posts.ts";
import { compare, indexDamage, newAuthors, newLedger, publish, writeWith, type Ledger } from "./ledger.ts";
import { FAULT_ROUNDS, isThorough } from "../../src/contracts/thorough.ts";
import { momentsWithin, report } from "../support/rounds.ts";
import { eventually } from "./watching.ts";

const NOTHING = { lost: [], unsent: [] };
const ROUND_TIMEOUT_MS = 30_000;

let directory: string;
let server: RunningServer | null = null;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-kill-"));
});

afterEach(async () => {
  await server?.end("SIGKILL");
  server = null;
  await rm(directory, { recursive: true });
});

/** Fills the directory with a migrated, empty cluster. */
async function useTemplate(): Promise<void> {
  const copy = await copyTemplate();
  await copyDirectory(copy, directory);
  await rm(copy, { recursive: true });
}

/** Starts the server on the directory of a killed one. Returns its URL and the duration of the start. */
async function startAgain(): Promise<{ readonly url: string; readonly startMs: number }> {
  const startedAt = performance.now();
  server = await startServer(directory);
  return { url: server.url, startMs: Math.round(performance.now() - startedAt) };
}

/** Kills the server `afterMs` after it has acknowledged the first write of a round. */
async function killWhileWriting(ledger: Ledger, writing: ReturnType<typeof writeWith>, afterMs: number): Promise<void> {
  const before = ledger.acknowledged.size;
  await eventually("a write", () => ledger.acknowledged.size > before);
  await killAfter(afterMs, writing);
  expect(ledger.refused.size).toBe(0);
}

async function killAfter(afterMs: number, writing: { stop(): Promise<void> }): Promise<void> {
  await delay(afterMs);
  await server?.end("SIGKILL");
  server = null;
  await writing.stop();
}

/** Starts the server and kills it `afterMs` after `trigger`, at whatever step of the start it is. */
async function killWhileStarting(afterMs: number, trigger: Promise<void> = Promise.resolve()): Promise<void> {
  const starting = spawnServer(directory);
  await trigger;
  await delay(afterMs);
  starting.process.kill("SIGKILL");
  await starting.ended;
}

/** Settles when a file of this name is created, renamed or written in a folder. */
async function touched(folder: string, name: string): Promise<void> {
  for await (const { filename } of watch(folder)) if (filename === name) return;
}

/** Writes posts, reads them, shuts down cleanly, and compares every index with its table. */
async function expectToWork(): Promise<void> {
  const { url } = await startAgain();
  const ledger = newLedger();
  for (const author of await newAuthors(url, 2)) await publish(url, author, `By ${author.id}`, ledger);
  expect(ledger.acknowledged.size).toBe(2);
  expect(await compare(url, ledger)).toEqual(NOTHING);
  await expectSoundIndexes();
}

async function expectSoundIndexes(): Promise<void> {
  expect((await server?.end("SIGTERM"))?.exitCode).toBe(0);
  expect(await indexDamage(directory)).toEqual([]);
}

describe("a server that gets SIGKILL", () => {
  it(
    `loses no acknowledged write, in ${FAULT_ROUNDS} rounds`,
    async () => {
      await useTemplate();
      let { url } = await startAgain();
      const authors = await newAuthors(url, 5);
      const ledger = newLedger();
      const startsMs: number[] = [];
      for (let round = 0; round < FAULT_ROUNDS; round++) {
        const afterMs = 50 + Math.random() * 1450;
        await killWhileWriting(ledger, writeWith(url, authors, ledger), afterMs);
        const started = await startAgain();
        url = started.url;
        startsMs.push(started.startMs);
        expect(await compare(url, ledger), `round ${round}, killed after ${afterMs} ms`).toEqual(NOTHING);
      }
      await expectSoundIndexes();
      report("SIGKILL while clients write", {
        rounds: FAULT_ROUNDS,
        acknowledged: ledger.acknowledged.size,
        unknown: ledger.unknown.size,
        "slowest start in ms": Math.max(...startsMs),
      });
    },
    FAULT_ROUNDS * ROUND_TIMEOUT_MS + 30_000,
  );

  it(
    `runs a POST with an Idempotency-Key once when it is retried, in ${FAULT_ROUNDS} rounds`,
    async () => {
      await useTemplate();
      let { url } = await startAgain();
      const authors = await newAuthors(url, 8);
      const posts: ReturnType<typeof publishWithKeys>["posts"] = [];
      const totals = { acknowledged: 0, "stored without a response": 0, "not stored": 0 };
      for (let round = 0; round < FAULT_ROUNDS; round++) {
        const writing = publishWithKeys(url, authors);
        await eventually("a write", () => writing.acknowledged() > 0);
        await killAfter(50 + Math.random() * 1450, writing);
        totals.acknowledged += writing.acknowledged();
        posts.push(...writing.posts);
        ({ url } = await startAgain());
        const { done, undone } = await repeat(url, writing.posts);
        await expectEachOnce(url, posts);
        totals["stored without a response"] += done;
        totals["not stored"] += undone;
      }
      expect(await repeat(url, posts)).toEqual({ done: 0, undone: 0 });
      await expectSoundIndexes();
      report("SIGKILL while clients write with keys", { rounds: FAULT_ROUNDS, ...totals });
    },
    FAULT_ROUNDS * ROUND_TIMEOUT_MS + 30_000,
  );

  const startKills = isThorough ? 10 : 2;
  it(
    `loses no acknowledged write when it is killed ${startKills} times in a row during its start`,
    async () => {
      await useTemplate();
      const { url } = await startAgain();
      const ledger = newLedger();
      const writing = writeWith(url, await newAuthors(url, 5), ledger);
      await killWhileWriting(ledger, writing, 1000);
      for (let kill = 0; kill < startKills; kill++) await killWhileStarting(50 + Math.random() * 850);

      const again = await startAgain();
      expect(await compare(again.url, ledger)).toEqual(NOTHING);
      await expectSoundIndexes();
    },
    startKills * ROUND_TIMEOUT_MS,
  );

  const firstStartKills = isThorough ? 15 : 1;
  it(
    `initialises the directory at the next start after a kill during the first initialisation (${firstStartKills} rounds)`,
    async () => {
      const { startMs } = await startAgain();
      await server?.end("SIGKILL");
      for (const afterMs of momentsWithin(startMs, firstStartKills)) {
        await rm(directory, { recursive: true });
        await killWhileStarting(afterMs);
        await expectToWork();
      }
      report("SIGKILL during the first initialisation", { rounds: firstStartKills, "whole start in ms": startMs });
    },
    (firstStartKills + 2) * 2 * ROUND_TIMEOUT_MS,
  );
});

describe("a server that gets SIGKILL during the first migration", () => {
  const rounds = isThorough ? 15 : 1;
  let initialised: string;

  beforeAll(async () => {
    initialised = await mkdtemp(join(tmpdir(), "quire-initialised-"));
    (await prepareCluster(initialised, recordingLog()))._unsafeUnwrap();
    return async () => rm(initialised, { recursive: true });
  });

  it(
    `migrates at the next start (${rounds} rounds)`,
    async () => {
      // The first file is created when the engine has opened, and the second when the schema is migrated.
      const opened = async () => touched(directory, "quire.acknowledged");
      const migrated = async () => touched(directory, "quire.files.json");
      await copyDirectory(initialised, directory);
      const [isOpened, isMigrated] = [opened(), migrated()];
      const starting = spawnServer(directory);
      await isOpened;
      const openedAt = performance.now();
      await isMigrated;
      const durationMs = performance.now() - openedAt;
      starting.process.kill("SIGKILL");
      await starting.ended;

      let interrupted = 0;
      for (const afterMs of momentsWithin(durationMs, rounds)) {
        await rm(directory, { recursive: true });
        await copyDirectory(initialised, directory);
        await killWhileStarting(afterMs, opened());
        if (!existsSync(join(directory, "quire.files.json"))) interrupted++;
        await expectToWork();
      }
      report("SIGKILL during the first migration", { rounds, interrupted, "migration in ms": Math.round(durationMs) });
    },
    (rounds + 1) * ROUND_TIMEOUT_MS,
  );
});

describe("a server that gets SIGKILL during the migration that makes old posts searchable", () => {
  const rounds = isThorough ? 15 : 1;
  const POSTS = 1_000;
  let older: string;

  beforeAll(async () => {
    older = await mkdtemp(join(tmpdir(), "quire-older-"));
    const migrations = join(older, "migrations");
    await cp(MIGRATIONS_FOLDER, migrations, { recursive: true });
    const journal = join(migrations, "meta", "_journal.json");
    const { entries, ...rest } = JSON.parse(await readFile(journal, "utf8")) as { entries: { tag: string }[] };
    const first = entries.slice(
      0,
      entries.findIndex(({ tag }) => tag.endsWith("_post_search")),
    );
    await writeFile(journal, JSON.stringify({ ...rest, entries: first }));
    const directory = join(older, "data");
    const { client, close } = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
    (await migratedStorage(client, migrations))._unsafeUnwrap();
    // Rows as an older program wrote them: the current program uses columns that this schema does not have yet.
    await client.query(
      "insert into users values (uuidv7(), 'Ada', 'ada@example.org', 'ada@example.org', 'hash', 'author', 1, now(), now())",
    );
    await client.query(
      `insert into posts select uuidv7(), case when n % 100 = 0 then 'Rare' else 'Engine' end, repeat('word ', 200), id,
        'published', now(), 1, now(), now() from users, generate_series(1, ${POSTS}) n`,
    );
    (await close())._unsafeUnwrap();
    return async () => rm(older, { recursive: true });
  });

  it(
    `completes the migration at the next start (${rounds} rounds)`,
    async () => {
      const opened = async () => touched(directory, "quire.acknowledged");
      const copyOlder = async () => {
        await rm(directory, { recursive: true });
        await copyDirectory(join(older, "data"), directory);
      };
      await copyOlder();
      const isOpened = opened();
      const starting = startServer(directory);
      await isOpened;
      const openedAt = performance.now();
      server = await starting;
      const durationMs = performance.now() - openedAt;
      await server.end("SIGTERM");

      let interrupted = 0;
      for (const afterMs of momentsWithin(durationMs, rounds)) {
        await copyOlder();
        await killWhileStarting(afterMs, opened());
        if (!existsSync(join(directory, "quire.files.json"))) interrupted++;
        const { url } = await startAgain();
        const totalOf = async (query: string) =>
          ((await (await fetch(`${url}/v1/posts?limit=1&count=true&${query}`)).json()) as { total: number }).total;
        expect(await totalOf("")).toBe(POSTS);
        await eventually("the index of all posts", async () => (await totalOf("q=rare")) === POSTS / 100);
        await expectSoundIndexes();
      }
      report("SIGKILL while posts are made searchable", { rounds, interrupted, "start in ms": Math.round(durationMs) });
    },
    (rounds + 1) * ROUND_TIMEOUT_MS,
  );
});

describe("a server that gets SIGKILL while it indexes posts for the search", () => {
  const rounds = isThorough ? 15 : 3;

  it(
    `finds every acknowledged post after the next start (${rounds} rounds)`,
    async () => {
      await useTemplate();
      let { url } = await startAgain();
      const authors = await newAuthors(url, 1);
      const ledger = newLedger();
      for (let round = 0; round < rounds; round++) {
        const writing = writeWith(url, authors, ledger);
        const acknowledged = ledger.acknowledged.size;
        await eventually("a write", () => ledger.acknowledged.size > acknowledged + 20);
        // Within this time posts are pending, being indexed, or indexed and not yet merged.
        await killAfter(Math.round((round * 200) / rounds), writing);
        ({ url } = await startAgain());
        const totalOf = async (query: string) =>
          ((await (await fetch(`${url}/v1/posts?limit=1&count=true&${query}`)).json()) as { total: number }).total;
        const stored = Math.min(await totalOf(""), 1_000);
        expect(stored).toBeGreaterThanOrEqual(Math.min(ledger.acknowledged.size, 1_000));
        // The number of the client, which every title contains.
        await eventually("the index of all posts", async () => (await totalOf("q=0")) === stored);
        await expectSoundIndexes();
        ({ url } = await startAgain());
      }
      report("SIGKILL while posts are indexed", { rounds, posts: ledger.acknowledged.size });
    },
    (rounds + 1) * ROUND_TIMEOUT_MS,
  );
});

describe("a server that gets SIGKILL during a checkpoint", () => {
  const rounds = isThorough ? 15 : 1;

  it(
    `loses no acknowledged write (${rounds} rounds)`,
    async () => {
      await useTemplate();
      // A checkpoint flushes the transaction status first. At its end Quire writes quire.files.json.
      const begun = async () => touched(join(directory, "cluster", "pg_xact"), "0000");
      const done = async () => touched(directory, "quire.files.json");
      let { url } = await startAgain();
      const authors = await newAuthors(url, 5);
      const ledger = newLedger();
      const writeMuch = () => writeWith(url, authors, ledger, 1_000_000);
      const writing = writeMuch();
      await begun();
      const begunAt = performance.now();
      await done();
      const durationMs = performance.now() - begunAt;
      await writing.stop();

      for (const afterMs of momentsWithin(durationMs, rounds)) {
        const isBegun = begun();
        const writing = writeMuch();
        await isBegun;
        await killAfter(afterMs, writing);
        ({ url } = await startAgain());
        expect(await compare(url, ledger), `killed ${afterMs} ms after the begin of the checkpoint`).toEqual(NOTHING);
      }
      await expectSoundIndexes();
      report("SIGKILL during a checkpoint", { rounds, "checkpoint in ms": Math.round(durationMs) });
    },
    (rounds + 1) * ROUND_TIMEOUT_MS,
  );
});
