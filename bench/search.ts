/**
 * The cost of the search. `npm run bench:search` fills an embedded database with posts of 1 KB in the proportions of a natural
 * language, a tenth of them hostile, and prints the speed of the index, searches a second, and the statements of searches and of a hostile set.
 * BENCH_POSTS sets the number of posts, BENCH_ROUNDS that of the rounds.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSearchQuery, type SearchQuery } from "../src/domain/search/search-query.ts";
import { word } from "./prose.ts";
import { fillSearchData, HOSTILE_WORD, openSearchData } from "./search-data.ts";

const POSTS = Number(process.env["BENCH_POSTS"] ?? "100000");
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? "5");
const CLIENTS = 10;
const SEARCH_MS = 2_000;
const FILTER = { published: { authorId: null, after: null, before: null }, drafts: null };

const show = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  process.stdout.write(`${[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("")}\n`);
const words = (...numbers: readonly number[]) => numbers.map((n) => word(n)).join(" ");
const many = Array.from({ length: 16 }, (_, n) => n);

/** Queries of readers, by the share of the posts that have the words. */
const QUERIES: Readonly<Record<string, readonly string[]>> = {
  "one word that 0.2 to 5 % have": [300, 500, 1_000, 2_000, 3_000, 5_000].map((n) => word(n)),
  "two words": [words(300, 1_000), words(500, 800), words(100, 3_000)],
  "a word that a fifth has": [word(80)],
  "the beginning of a word": [word(500).slice(0, 3), word(1_000).slice(0, 4)],
};

/** Queries of a hostile client. */
const HOSTILE: Readonly<Record<string, string>> = {
  "a word in every post": word(0),
  "16 words in every post": words(...many),
  "16 letters": "a b c d e f g h i j k l m n o p",
  "two letters that many words begin with": word(0).slice(0, 2),
  "two letters that no word begins with": "zz",
  "a phrase of common words that no post has": `"${words(1, 0, 1, 0)}"`,
  "common words that never meet": `${word(1)} ${word(0)} ${HOSTILE_WORD}`,
  "a common word without a more common one": `${word(2)} -${word(0)}`,
  "a word in the oldest tenth": HOSTILE_WORD,
  "a typo in the titles of the oldest tenth": "abracodabra",
  "a word in no post": "zzzzzz",
};

type Data = Awaited<ReturnType<typeof openSearchData>>;

const queryOf = (raw: string): SearchQuery => parseSearchQuery(raw)._unsafeUnwrap();

async function search({ storage }: Data, query: SearchQuery, isCounted = false): Promise<void> {
  (await storage.posts.search(FILTER, query, { limit: 20, from: null, isCounted }))._unsafeUnwrap();
}

/** The statements of a search: their number, the time of the longest and of all, at best in some rounds. */
async function statementsOf(data: Data, raw: string, isCounted: boolean): Promise<readonly string[]> {
  const [longest, sums]: [number[], number[]] = [[], []];
  let count = 0;
  for (let round = 0; round < ROUNDS; round++) {
    data.times.length = 0;
    await search(data, queryOf(raw), isCounted);
    count = data.times.length;
    longest.push(Math.max(...data.times));
    sums.push(data.times.reduce((sum, time) => sum + time, 0));
  }
  return [String(count), Math.min(...longest).toFixed(1), Math.min(...sums).toFixed(1)];
}

/** Searches a second of several clients, each with the next query. */
async function searchesPerSecond(data: Data, raw: readonly string[]): Promise<number> {
  const queries = raw.map(queryOf);
  const until = performance.now() + SEARCH_MS;
  let done = 0;
  const client = async (first: number) => {
    for (let n = first; performance.now() < until; n++) {
      // A new limit in each turn, as clients with the same request would share one search.
      const page = { limit: 20 + first, from: null };
      (await data.storage.posts.search(FILTER, queries[n % queries.length] as SearchQuery, page))._unsafeUnwrap();
      done++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, async (_, n) => client(n)));
  return (done / SEARCH_MS) * 1_000;
}

async function measureSearches(directory: string): Promise<void> {
  const data = await openSearchData(join(directory, "searched"));
  await fillSearchData(data.client, POSTS);
  data.times.length = 0;
  const startedAt = performance.now();
  const indexed = (await data.storage.searchIndex.sweep())._unsafeUnwrap();
  const perSecond = (indexed / (performance.now() - startedAt)) * 1_000;
  show(
    ["posts", "indexed a second", "longest statement of the index, ms"],
    [[String(indexed), perSecond.toFixed(0), Math.max(...data.times).toFixed(0)]],
  );
  await data.client.query("vacuum analyze");
  const speeds: string[][] = [];
  for (const [name, raw] of Object.entries(QUERIES)) {
    speeds.push([
      name,
      (await searchesPerSecond(data, raw)).toFixed(0),
      ...(await statementsOf(data, raw[0] ?? "", false)),
    ]);
  }
  show(["query", `searches/s, ${CLIENTS} clients`, "statements", "longest, ms", "all, ms"], speeds);
  const hostile: string[][] = [];
  for (const [name, raw] of Object.entries(HOSTILE)) {
    for (const isCounted of [false, true]) {
      hostile.push([isCounted ? `${name}, counted` : name, ...(await statementsOf(data, raw, isCounted))]);
    }
  }
  show(["hostile query", "statements", "longest, ms", "all, ms"], hostile);
  (await data.close())._unsafeUnwrap();
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
try {
  await measureSearches(directory);
} finally {
  await rm(directory, { recursive: true, force: true });
}
