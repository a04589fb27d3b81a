/**
 * What the full-text search costs who writes, and what a search costs: `npm run bench:search` fills two embedded
 * PostgreSQLs a part at a time in turns, one without the search's column and indexes, and then searches the other.
 */
import { readFileSync } from "node:fs";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { parseSearchQuery } from "../src/domain/post-search.ts";
import { drizzlePosts } from "../src/infrastructure/drizzle/drizzle-posts.ts";
import { SCHEMA_EXTENSIONS as extensions } from "../src/infrastructure/pglite/extensions.ts";
import { startParameters } from "../src/infrastructure/pglite/start-parameters.ts";
import { median } from "./table.ts";

const PARTS = 10;
const POSTS_OF_PART = 1_000;
const WORDS = 20_000;

const word = (n: number) => `w${n.toString(36).replaceAll(/\d/g, (digit) => "ghijklmnop"[Number(digit)] ?? "")}`;
// As in a language, a few words are in every post and most are in few.
const content = () => Array.from({ length: 160 }, () => word(Math.floor(Math.random() ** 3 * WORDS))).join(" ");

async function open(): Promise<PGlite> {
  const engine = await PGlite.create({ extensions, startParams: startParameters("relaxed") });
  const journal = JSON.parse(readFileSync("drizzle/meta/_journal.json", "utf8")) as { entries: { tag: string }[] };
  for (const { tag } of journal.entries) await engine.exec(readFileSync(`drizzle/${tag}.sql`, "utf8"));
  await engine.exec("insert into users select uuidv7(), 'Ada', 'a', 'a', 'hash', 'author', 1, now(), now()");
  return engine;
}

const [plain, searched] = [await open(), await open()];
await plain.exec("alter table posts drop column words; drop index posts_title_key_idx");

const INSERT = `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
  select uuidv7(), $1, $2, id, 'published', now(), 1, now(), now() from users`;
const means = { plain: [] as number[], searched: [] as number[] };
for (let part = 0; part < PARTS; part++) {
  for (const [name, engine] of [
    ["plain", plain],
    ["searched", searched],
  ] as const) {
    const startedAt = performance.now();
    for (let n = 0; n < POSTS_OF_PART; n++) await engine.query(INSERT, [`${word(n * 7)} ${word(part)}`, content()]);
    means[name].push((performance.now() - startedAt) / POSTS_OF_PART);
  }
}
// A thousand or two of posts later, what is beside the tree of an index is put into it: the mean has that, the median not.
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
for (const [name, of] of [
  ["median", median],
  ["mean", mean],
] as const) {
  const [without, withSearch] = [of(means.plain), of(means.searched)];
  process.stdout.write(
    `insert, ${name}: ${without.toFixed(2)} ms, searched ${withSearch.toFixed(2)} ms: ${(withSearch / without).toFixed(1)}\n`,
  );
}

await searched.exec("vacuum analyze");
const posts = drizzlePosts(drizzle({ client: searched }));
const filter = { published: { authorId: null, after: null, before: null }, drafts: null };
for (const query of [
  word(1),
  word(40),
  word(9_000),
  `${word(1)} -${word(2)}`,
  `"${word(1)} ${word(40)}"`,
  `${word(9_000)}xx`,
]) {
  const times: number[] = [];
  for (let round = 0; round < 7; round++) {
    const startedAt = performance.now();
    const found = await posts.search(filter, parseSearchQuery(query)._unsafeUnwrap(), { limit: 20, from: null });
    times.push(performance.now() - startedAt);
    found._unsafeUnwrap();
  }
  process.stdout.write(`${query.padEnd(20)} ${median(times).toFixed(0)} ms\n`);
}
await Promise.all([plain.close(), searched.close()]);
