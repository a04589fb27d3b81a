import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openEmbeddedDatabase, type EmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { startServer, type RunningServer } from "../process/server.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";
import { fillWithPosts } from "./filling.ts";
import { newAuthors, newLedger, publish, writeWith, type Ledger } from "./ledger.ts";
import { isThorough, THOROUGH_ONLY } from "../../src/contracts/thorough.ts";
import { percentile, report } from "../support/rounds.ts";
import { eventually, walBytes, watchLog } from "./watching.ts";

const MIB = 1_048_576;
/** The size that upkeep and max_wal_size allow, with room for writes during a checkpoint. */
const MAX_WAL_BYTES = 128 * MIB;
const SAMPLE_MS = 50;

let directory: string;
let server: RunningServer | null = null;
let postgres: EmbeddedDatabase | null = null;

beforeEach(async () => {
  directory = await copyTemplate();
});

afterEach(async () => {
  await server?.end("SIGKILL");
  await postgres?.close();
  server = null;
  postgres = null;
  rmSync(directory, { recursive: true });
});

/** Samples the size of the log. `stop` returns the maximum. */
function watchWal() {
  let most = walBytes(directory);
  const timer = setInterval(() => (most = Math.max(most, walBytes(directory))), SAMPLE_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return most;
    },
  };
}

/** The size of all tables and indexes. */
function tableBytes(): number {
  const base = join(directory, "cluster", "base", "5");
  const sizes = readdirSync(base).map((name) => statSync(join(base, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The size of all relation files at the last checkpoint, as quire.files.json records it. */
function notedBytes(): number {
  const noted = JSON.parse(readFileSync(join(directory, "quire.files.json"), "utf8")) as {
    readonly sizes: Readonly<Record<string, number>>;
  };
  return Object.values(noted.sizes).reduce((sum, bytes) => sum + bytes, 0);
}

/** Reads a post repeatedly. `stop` returns the durations in milliseconds and the statuses. */
function readRepeatedly(url: string) {
  const durationsMs: number[] = [];
  const statuses = new Set<number>();
  const stopped = new AbortController();
  const reading = (async () => {
    while (!stopped.signal.aborted) {
      const startedAt = performance.now();
      const response = await fetch(url);
      await response.arrayBuffer();
      durationsMs.push(performance.now() - startedAt);
      statuses.add(response.status);
      await delay(2);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await reading;
      return { durationsMs, statuses: [...statuses] };
    },
  };
}

/** A lower bound of the bytes in the log, because random text cannot be compressed. */
function writtenBytes(ledger: Ledger): number {
  return [...ledger.acknowledged.values()].reduce((sum, { content }) => sum + content.length, 0);
}

describe("upkeep", () => {
  it("bounds the log while 100 MiB are written, and serves reads at the same time", async () => {
    server = await startServer(directory, { QUIRE_LOG_LEVEL: "debug" });
    const log = watchLog(server);
    const { url } = server;
    const authors = await newAuthors(url, 4);
    const ledger = newLedger();
    for (const author of authors.slice(0, 1)) await publish(url, author, "A small one", ledger);
    const wal = watchWal();
    const reading = readRepeatedly(`${url}/v1/posts/${ledger.acknowledged.get("A small one")?.id}`);
    const writing = writeWith(url, authors, ledger, 500_000);
    const checkpoints = () => log.filter(({ msg }) => msg === "checkpoint");
    // A fast disk takes 100 MiB in the time between two checkpoints.
    const isWritten = () => writtenBytes(ledger) > 100 * MIB && checkpoints().length >= 2;
    await eventually("100 MiB and two checkpoints", isWritten, 120_000);
    await writing.stop();
    const { durationsMs, statuses } = await reading.stop();
    const maxBytes = wal.stop();

    expect(statuses).toEqual([200]);
    expect(ledger.refused.size).toBe(0);
    expect(maxBytes).toBeLessThan(MAX_WAL_BYTES);
    expect(notedBytes()).toBeGreaterThan(32 * MIB);
    report("100 MiB of posts", {
      checkpoints: checkpoints().length,
      "longest checkpoint in ms": Math.max(...checkpoints().map(({ durationMs }) => Number(durationMs))),
      "maximum log in MiB": Math.round(maxBytes / MIB),
      "reads in ms, median": percentile(durationsMs, 0.5),
      "99 %": percentile(durationsMs, 0.99),
      slowest: percentile(durationsMs, 1),
    });
  }, 180_000);

  it("vacuums by dead bytes, so repeated edits of one long post do not fill the disk", async () => {
    server = await startServer(directory, { QUIRE_LOG_LEVEL: "debug" });
    const log = watchLog(server);
    const { url } = server;
    const [author] = await newAuthors(url, 1);
    const ledger = newLedger();
    if (author !== undefined) await publish(url, author, "Edited", ledger, MIB - 1024);
    const id = ledger.acknowledged.get("Edited")?.id;
    const before = tableBytes();
    const vacuums = () =>
      log.filter(({ msg, vacuum }) => msg === "table vacuumed or analysed" && vacuum !== "none").length;
    let edits = 0;
    for (; vacuums() < 4; edits++) {
      const content = randomBytes(MIB)
        .toString("base64")
        // One word, so that the search index does not grow as well.
        .replaceAll(/[+/=]/g, "x")
        .slice(0, MIB - 1024);
      const response = await fetch(`${url}/v1/posts/${id}`, {
        method: "PATCH",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${author?.token}` },
        body: JSON.stringify({ content }),
      });
      await response.arrayBuffer();
      expect(response.status).toBe(200);
      // Without the limit of dead bytes, the first vacuum would come after 1,000 dead rows, each with 512 rows in TOAST.
      expect(edits).toBeLessThan(1000);
    }
    expect(log.filter(({ msg }) => msg === "vacuum or analysis failed")).toEqual([]);
    const grown = tableBytes() - before;
    report("One post of 1 MiB edited", { edits, "grown by MiB": Math.round(grown / MIB) });
    expect(grown).toBeLessThan((edits * MIB * 2) / 3);
  }, 300_000);

  it("bounds the log over 1,000,000 inserts, and vacuums and analyses the table", async ({ skip }) => {
    skip(!isThorough, THOROUGH_ONLY);
    postgres = (await openEmbeddedDatabase({ ...embeddedDefaults, directory }))._unsafeUnwrap();
    const { client } = postgres;
    const wal = watchWal();
    const startedAt = performance.now();
    let slowestReadMs = 0;
    await fillWithPosts(client, 1000, "content ".repeat(12), async () => {
      const readAt = performance.now();
      await client.query("select id from posts order by id desc limit 1");
      slowestReadMs = Math.max(slowestReadMs, performance.now() - readAt);
    });
    const insertsMs = performance.now() - startedAt;
    const analysed = async () => {
      const { rows } = await client.query<{ vacuumed: boolean; analysed: boolean; rows: number }>(
        `select s.last_vacuum is not null as vacuumed, s.last_analyze is not null as analysed, c.reltuples as rows
           from pg_stat_user_tables s join pg_class c on c.oid = s.relid where s.relname = 'posts'`,
      );
      return rows[0]?.vacuumed === true && rows[0].analysed && rows[0].rows > 900_000;
    };
    await eventually("vacuum and analyze", analysed, 60_000);
    const maxBytes = wal.stop();
    expect(maxBytes).toBeLessThan(MAX_WAL_BYTES);
    const { rows } = await client.query<{ count: number }>("select count(*)::int as count from posts");
    expect(rows).toEqual([{ count: 1_000_000 }]);
    report("1,000,000 inserts", {
      "inserts in s": Math.round(insertsMs / 1000),
      "maximum log in MiB": Math.round(maxBytes / MIB),
      "slowest read in ms": Math.round(slowestReadMs),
    });
  }, 900_000);
});
