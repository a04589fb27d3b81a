/**
 * The cost of the search index for writes, and the cost of a search. `npm run bench:search` writes posts over HTTP to two servers
 * in turns. One of them has no column and no indexes for the search. BENCH_ROUNDS sets the number of rounds of 2 s. Then it
 * searches 100,000 posts. It needs wrk.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { parseSearchQuery } from "../src/domain/search/search-query.ts";
import { ANY_STORAGE } from "../src/infrastructure/drizzle/account-quota.ts";
import { drizzlePosts } from "../src/infrastructure/drizzle/drizzle-posts.ts";
import { openEmbeddedDatabase } from "../src/infrastructure/pglite/embedded-database.ts";
import {
  ENGINE_SETTINGS,
  SCHEMA_EXTENSIONS as extensions,
} from "../src/infrastructure/pglite/client/engine-settings.ts";
import { migratedStorage } from "../src/infrastructure/pglite/storage.ts";
import { startParameters } from "../src/infrastructure/pglite/engine/start-parameters.ts";
import { pino } from "pino";
import { newAuthor } from "../tests/faults/ledger.ts";
import { startServer } from "../tests/process/server.ts";
import { measure, type RequestLine, type Work } from "./load.ts";
import { median } from "./table.ts";

const POSTS = Number(process.env["BENCH_POSTS"] ?? "100000");
const WORDS_OF_POST = 160;
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "3");
const SECONDS = 2;
const SEARCHES = 11;
const WORDS = 20_000;

/** The n-th most frequent word of an artificial language. Words have only consonants, so no two have the same stem. */
const word = (n: number) =>
  n
    .toString(19)
    .padStart(5, "0")
    .replaceAll(/./g, (digit) => "bcdfghjklmnpqrtvwxz"[Number.parseInt(digit, 19)] ?? "");
// As in a real language, a few words are in every post and most words are rare.
const text = (words: number) =>
  Array.from({ length: words }, () => word(Math.floor(Math.random() ** 3 * WORDS))).join(" ");

const show = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  process.stdout.write(`${[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("")}\n`);

async function open(): Promise<PGlite> {
  const engine = await PGlite.create({ extensions, startParams: startParameters("relaxed", ENGINE_SETTINGS) });
  const journal = JSON.parse(readFileSync("drizzle/meta/_journal.json", "utf8")) as { entries: { tag: string }[] };
  for (const { tag } of journal.entries) await engine.exec(readFileSync(`drizzle/${tag}.sql`, "utf8"));
  await engine.exec("insert into users select uuidv7(), 'Ada', 'a', 'a', 'hash', 'author', 1, now(), now()");
  return engine;
}

const INSERT = `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
  select uuidv7(), given.title, given.content, id, 'published', now(), 1, now(), now()
  from users, unnest($1::text[], $2::text[]) as given (title, content)`;

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));

/** A data directory without the column and the indexes of the search. */
async function withoutSearch(): Promise<string> {
  const options = { freeSpaceBytes: 0, statementDeadlineMs: 60_000, log: pino({ level: "warn" }) };
  const plain = join(directory, "plain");
  const postgres = await openEmbeddedDatabase({ ...options, directory: plain, durability: "fsync" });
  const { client, close } = postgres._unsafeUnwrap();
  (await migratedStorage(client, "drizzle"))._unsafeUnwrap();
  await client.query("alter table posts drop column words");
  await client.query("drop index posts_title_key_idx");
  (await close())._unsafeUnwrap();
  return plain;
}

function writes(token: string, connections: number, words: number): Work {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const request = (): RequestLine => ({
    method: "POST",
    path: "/v1/posts",
    headers,
    body: JSON.stringify({ title: text(4), content: text(words), status: "published" }),
  });
  return { name: "POST", connections, requests: Array.from({ length: 200 }, request) };
}

const costs: string[][] = [];
try {
  const servers = [];
  for (const data of [await withoutSearch(), join(directory, "searched")]) {
    const server = await startServer(data, { QUIRE_LOG_LEVEL: "error" });
    servers.push({ ...server, token: (await newAuthor(server.url, "ada")).token });
  }
  for (const [size, words] of [
    ["2 KiB", 341],
    ["100 KiB", 17_070],
  ] as const) {
    for (const clients of [1, 16]) {
      const perSecond: number[][] = servers.map(() => []);
      for (let round = 0; round < ROUNDS; round++) {
        for (const [index, { url, token }] of servers.entries()) {
          perSecond[index]?.push((await measure([url], writes(token, clients, words), SECONDS)).perSecond);
        }
      }
      const [without = 0, withSearch = 0] = perSecond.map(median);
      const ratio = (withSearch / without).toFixed(2);
      costs.push([size, String(clients), without.toFixed(0), withSearch.toFixed(0), ratio]);
    }
  }
  for (const server of servers) await server.end("SIGTERM");
} finally {
  await rm(directory, { recursive: true, force: true });
}
show(["POST of", "clients", "posts/s without index", "posts/s with index", "ratio"], costs);

const searched = await open();
await searched.exec("drop index posts_words_idx, posts_title_key_idx");
for (let n = 0; n < POSTS; n += 500) {
  await searched.query(INSERT, [
    Array.from({ length: 500 }, () => text(4)),
    Array.from({ length: 500 }, () => text(WORDS_OF_POST)),
  ]);
}
await searched.exec(`create index posts_words_idx on posts using gin (words);
  create index posts_title_key_idx on posts using gin (title_key(title) gin_trgm_ops)`);
await searched.exec("vacuum analyze");

const posts = drizzlePosts(drizzle({ client: searched }), ANY_STORAGE);
const filter = { published: { authorId: null, after: null, before: null }, drafts: null };
const searches: string[][] = [];
for (const [what, query] of [
  ["a rare word", word(15_000)],
  ["a common word", word(0)],
  ["two words", `${word(30)} ${word(400)}`],
  ["a phrase of two words", `"${word(0)} ${word(1)}"`],
  ["a word, excluding a common one", `${word(40)} -${word(0)}`],
  ["a typo in a rare word", `${word(15_000).slice(0, -1)}xx`],
  ["no match", "nowhere"],
] as const) {
  const times: number[] = [];
  let found = 0;
  const asked = parseSearchQuery(query)._unsafeUnwrap();
  for (let round = 0; round < SEARCHES; round++) {
    const startedAt = performance.now();
    (await posts.search(filter, asked, { limit: 20, from: null }))._unsafeUnwrap();
    times.push(performance.now() - startedAt);
    const counted = await posts.search(filter, asked, { limit: 1, from: null, isCounted: true });
    found = counted._unsafeUnwrap().total ?? 0;
  }
  searches.push([what, String(found), median(times).toFixed(0)]);
}
show(["query", "matches", "ms"], searches);
await searched.close();
