import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MIGRATIONS_FOLDER } from "../src/bootstrap/open-storage.ts";

/** The data of every contender: the same users, posts of 1 KB and one session, with the same ids. */
export const DATA_SET = {
  users: 1000,
  posts: Number(process.env["BENCH_POSTS"] ?? "100000"),
  token: "bench-token",
  content: "0123456789abcdef0123456789abcdef".repeat(31),
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

const ROWS_AT_ONCE = 10_000;

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

type Query = (text: string, values?: string[]) => Promise<unknown>;

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

/** Fills the tables of any PostgreSQL. */
export async function fillTables(query: Query, posts = DATA_SET.posts): Promise<void> {
  const { users, token, content } = DATA_SET;
  await query(`insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
    select ${sqlId("9000", "n")}, 'User ' || n, 'user' || n || '@example.org', 'user' || n || '@example.org', 'none',
      'author', 1, to_timestamp(0), to_timestamp(0) from generate_series(1, ${users}) n`);
  for (let first = 1; first <= posts; first += ROWS_AT_ONCE) {
    const last = Math.min(first + ROWS_AT_ONCE - 1, posts);
    await query(
      `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
        select ${sqlId("8000", "n")}, 'Post ' || n, $1, ${sqlId("9000", `1 + n % ${users}`)}, 'published', to_timestamp(n), 1,
          to_timestamp(n), to_timestamp(n) from generate_series(${first}, ${last}) n`,
      [content],
    );
  }
  const digest = createHash("sha256").update(token).digest("hex");
  await query(
    `insert into sessions (id, user_id, token_digest, created_at, last_used_at, expires_at)
      values ('${idOf("a000", 1)}', '${idOf("9000", 1)}', $1, now(), now(), now() + interval '30 days')`,
    [digest],
  );
  await query("checkpoint");
  await query("vacuum analyze");
}
