import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MIGRATIONS_FOLDER } from "../src/bootstrap/open-storage.ts";
import { text } from "./prose.ts";
import { seededRandom } from "./random.ts";

/** The data of every contender: the same users, posts of 1 KB and one session, with the same ids. */
export const DATA_SET = {
  users: 1000,
  posts: Number(process.env["BENCH_POSTS"] ?? "100000"),
  token: "bench-token",
};

/** The content of a new post, 1 KB of words: a server with a search index pays for words. */
export const WRITTEN = `A book is never finished by its author. Somebody sets the type, somebody reads the proofs against
the manuscript and marks in the margin what has gone wrong, and somebody else decides how wide that margin is. The paper is
chosen by touch, the cover in an argument, and the price by a person who has read none of it. Then a reader opens it on a
train, between two stations, loses the place, folds down a corner and forgives everybody. What is published on a screen has
shorter ways and the same company: an editor who asks whether the second paragraph could not be the first, a program that
keeps each version so that nobody's sentence gets lost, and a search that finds, after years, the one remark about lighthouses
which its writer had forgotten. Whoever builds such a thing learns to be afraid of small silences, of a draft that was saved
and was not, of a page which two people have changed at once. It should be as dull as a good shelf, and as hard to knock over;
and when the lamp goes out in the middle of a word, the word ought to be there in the morning.`;

const TITLE_WORDS = 5;
const CONTENT_WORDS = 150;
/** The rows of an insert, about 1 MB of text. */
const ROWS_AT_ONCE = 1000;

export interface PostText {
  readonly title: string;
  readonly content: string;
}

/** The text of a post by its number: 1 KB of its own, the same in every run. */
export function postText(number: number): PostText {
  const random = seededRandom(number);
  return { title: text(TITLE_WORDS, random), content: text(CONTENT_WORDS, random) };
}

/** The id of a post by its number, from 1. A higher number is newer. */
export function postId(number: number): string {
  return idOf("8000", number);
}

/** The id of the author of a post by the number of the post. */
export function authorId(number: number): string {
  return idOf("9000", 1 + (number % DATA_SET.users));
}

function idOf(kind: string, number: number): string {
  return `00000000-0000-7000-${kind}-${number.toString(16).padStart(12, "0")}`;
}

/** The same id as an SQL expression. */
function sqlId(kind: string, number: string): string {
  return `('00000000-0000-7000-${kind}-' || lpad(to_hex(${number}), 12, '0'))::uuid`;
}

/** Runs a statement. An array is a parameter of the type `text[]`. */
export type Query = (text: string, values?: (string | string[])[]) => Promise<unknown>;

/** From this migration on, the migrations serve features that only Quire has: sort orders and search. */
const FIRST_OF_QUIRE_ALONE = "0003";

/** Creates the tables of the contenders in an empty database, with Quire's first migrations. */
export async function makeTables(query: Query): Promise<void> {
  const names = await readdir(MIGRATIONS_FOLDER);
  const files = names.filter((name) => name.endsWith(".sql") && name < FIRST_OF_QUIRE_ALONE).toSorted();
  for (const file of files) {
    const migration = await readFile(join(MIGRATIONS_FOLDER, file), "utf8");
    for (const statement of migration.split("--> statement-breakpoint")) await query(statement);
  }
}

/** Calls `insert` with the texts of all posts in batches, each with the number of its first post. */
export async function inBatches(
  posts: number,
  insert: (first: number, titles: string[], contents: string[]) => Promise<unknown>,
): Promise<void> {
  for (let first = 1; first <= posts; first += ROWS_AT_ONCE) {
    const length = Math.min(ROWS_AT_ONCE, posts - first + 1);
    const texts = Array.from({ length }, (_, index) => postText(first + index));
    await insert(
      first,
      texts.map(({ title }) => title),
      texts.map(({ content }) => content),
    );
  }
}

/** The rows of a batch as an SQL expression with the columns `n`, `title` and `content`; $1 is the titles, $2 the contents. */
function sqlBatch(first: number): string {
  return `(select ${first - 1} + place as n, title, content
    from unnest($1::text[], $2::text[]) with ordinality as given (title, content, place)) as batch`;
}

interface Filling {
  readonly posts?: number;
  /** Whether the table has Quire's sort keys of titles. A title of the data set is its own key. */
  readonly hasTitleKeys?: boolean;
}

/** Fills the tables of any PostgreSQL. */
export async function fillTables(query: Query, filling: Filling = {}): Promise<void> {
  const { posts = DATA_SET.posts, hasTitleKeys = false } = filling;
  const { users, token } = DATA_SET;
  await query(`insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
    select ${sqlId("9000", "n")}, 'User ' || n, 'user' || n || '@example.org', 'user' || n || '@example.org', 'none',
      'author', 1, to_timestamp(0), to_timestamp(0) from generate_series(1, ${users}) n`);
  await inBatches(posts, async (first, ...texts) =>
    query(
      `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at
          ${hasTitleKeys ? ", title_key, title_key_version" : ""})
        select ${sqlId("8000", "n")}, title, content, ${sqlId("9000", `1 + n % ${users}`)}, 'published', to_timestamp(n), 1,
          to_timestamp(n), to_timestamp(n) ${hasTitleKeys ? ", title, 1" : ""} from ${sqlBatch(first)}`,
      texts,
    ),
  );
  const digest = createHash("sha256").update(token).digest("hex");
  await query(
    `insert into sessions (id, user_id, token_digest, created_at, last_used_at, expires_at)
      values ('${idOf("a000", 1)}', '${idOf("9000", 1)}', $1, now(), now(), now() + interval '30 days')`,
    [digest],
  );
  await query("checkpoint");
  await query("vacuum analyze");
}

/** Fills a table of texts in a schema of its own, from which the script of a product fills the product's tables. */
export async function fillTexts(query: Query): Promise<void> {
  await query("create schema bench");
  await query("create table bench.texts (n bigint primary key, title text not null, content text not null)");
  await inBatches(DATA_SET.posts, async (first, ...texts) =>
    query(`insert into bench.texts select n, title, content from ${sqlBatch(first)}`, texts),
  );
}
