import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MIGRATIONS_FOLDER } from "../src/open-storage.ts";

/** What every contender holds: the same users, posts of 1 KB and a session, by the same ids. */
export const DATA_SET = {
  users: 1000,
  posts: Number(process.env["BENCH_POSTS"] ?? "100000"),
  token: "bench-token",
  content: "0123456789abcdef0123456789abcdef".repeat(31),
};

const ROWS_AT_ONCE = 10_000;

/** The id of the post of a number, from 1 on; a higher number is newer. */
export function postId(number: number): string {
  return idOf("8000", number);
}

/** The id of the author of the post of a number. */
export function authorId(number: number): string {
  return idOf("9000", 1 + (number % DATA_SET.users));
}

function idOf(kind: string, number: number): string {
  return `00000000-0000-7000-${kind}-${number.toString(16).padStart(12, "0")}`;
}

/** The same in SQL. */
function sqlId(kind: string, number: string): string {
  return `('00000000-0000-7000-${kind}-' || lpad(to_hex(${number}), 12, '0'))::uuid`;
}

type Query = (text: string, values?: string[]) => Promise<unknown>;

/** Makes the tables of Quire's own migrations in an empty PostgreSQL. */
export async function makeTables(query: Query): Promise<void> {
  const files = (await readdir(MIGRATIONS_FOLDER)).filter((name) => name.endsWith(".sql")).toSorted();
  for (const file of files) {
    const migration = await readFile(join(MIGRATIONS_FOLDER, file), "utf8");
    for (const statement of migration.split("--> statement-breakpoint")) await query(statement);
  }
}

/** Fills the tables of a PostgreSQL, whichever it is. */
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
