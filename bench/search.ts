/**
 * What the full-text search costs who writes, and what a search costs: `npm run bench:search` writes the same posts in turns
 * to two embedded PostgreSQLs, one without the search's column and indexes, and then searches 100,000 posts in the other.
 */
import { readFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { parseSearchQuery } from "../src/domain/post-search.ts";
import { drizzlePosts } from "../src/infrastructure/drizzle/drizzle-posts.ts";
import { SCHEMA_EXTENSIONS as extensions } from "../src/infrastructure/pglite/extensions.ts";
import { startParameters } from "../src/infrastructure/pglite/start-parameters.ts";
import { median } from "./table.ts";

const POSTS = 100_000;
const WORDS_OF_POST = 160;
const ROUNDS = 11;
const WORDS = 20_000;

/** The n-th of a language's words by how often it is used: consonants, of which no two words have one stem. */
const word = (n: number) =>
  n
    .toString(19)
    .padStart(5, "0")
    .replaceAll(/./g, (digit) => "bcdfghjklmnpqrtvwxz"[Number.parseInt(digit, 19)] ?? "");
// As in a language, a few words are in every post and most are in few.
const text = (words: number) =>
  Array.from({ length: words }, () => word(Math.floor(Math.random() ** 3 * WORDS))).join(" ");

const show = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  process.stdout.write(`${[head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |\n`).join("")}\n`);

async function open(): Promise<PGlite> {
  const engine = await PGlite.create({ extensions, startParams: startParameters("relaxed") });
  const journal = JSON.parse(readFileSync("drizzle/meta/_journal.json", "utf8")) as { entries: { tag: string }[] };
  for (const { tag } of journal.entries) await engine.exec(readFileSync(`drizzle/${tag}.sql`, "utf8"));
  await engine.exec("insert into users select uuidv7(), 'Ada', 'a', 'a', 'hash', 'author', 1, now(), now()");
  return engine;
}

const INSERT = `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
  select uuidv7(), given.title, given.content, id, 'published', now(), 1, now(), now()
  from users, unnest($1::text[], $2::text[]) as given (title, content)`;

const searched = await open();
const plain = await open();
await plain.exec("alter table posts drop column words; drop index posts_title_key_idx");

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const costs: string[][] = [];
for (const [size, words, posts] of [
  ["2 KiB", 410, 5_000],
  ["100 KiB", 20_500, 100],
] as const) {
  const times = { plain: [] as number[], searched: [] as number[] };
  for (let n = 0; n < posts; n++) {
    const values = [[text(4)], [text(words)]];
    for (const [name, engine] of Object.entries({ plain, searched }) as ["plain" | "searched", PGlite][]) {
      const startedAt = performance.now();
      await engine.query(INSERT, values);
      times[name].push(performance.now() - startedAt);
    }
  }
  // Every few thousand posts what is beside the tree of an index is put into it: the mean has that, the median not.
  for (const [of, figure] of [
    ["median", median],
    ["mean", mean],
  ] as const) {
    const [without, withSearch] = [figure(times.plain), figure(times.searched)];
    costs.push([size, of, without.toFixed(2), withSearch.toFixed(2), (withSearch / without).toFixed(1)]);
  }
}
await plain.close();
show(["an insert of", "", "without, ms", "searched, ms", "ratio"], costs);

await searched.exec("truncate posts; drop index posts_words_idx, posts_title_key_idx");
for (let n = 0; n < POSTS; n += 500) {
  await searched.query(INSERT, [
    Array.from({ length: 500 }, () => text(4)),
    Array.from({ length: 500 }, () => text(WORDS_OF_POST)),
  ]);
}
await searched.exec(`create index posts_words_idx on posts using gin (words);
  create index posts_title_key_idx on posts using gin (title_key(title) gin_trgm_ops)`);
await searched.exec("vacuum analyze");

const posts = drizzlePosts(drizzle({ client: searched }));
const filter = { published: { authorId: null, after: null, before: null }, drafts: null };
const searches: string[][] = [];
for (const [what, query] of [
  ["a rare word", word(15_000)],
  ["a common word", word(0)],
  ["two words", `${word(30)} ${word(400)}`],
  ["two words in a row", `"${word(0)} ${word(1)}"`],
  ["a word without a common one", `${word(40)} -${word(0)}`],
  ["a typo in a rare word", `${word(15_000).slice(0, -1)}xx`],
  ["no word of any post", "nowhere"],
] as const) {
  const times: number[] = [];
  let found = 0;
  const asked = parseSearchQuery(query)._unsafeUnwrap();
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now();
    (await posts.search(filter, asked, { limit: 20, from: null }))._unsafeUnwrap();
    times.push(performance.now() - startedAt);
    found = (await posts.count(filter, asked))._unsafeUnwrap();
  }
  searches.push([what, String(found), median(times).toFixed(0)]);
}
show(["a search for", "found", "ms"], searches);
await searched.close();
