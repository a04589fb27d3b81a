import { createHash } from "node:crypto";
import { requireOfContenders } from "./contender-packages.ts";
import { authorId, DATA_SET, inBatches, postId } from "./data-set.ts";

/** The part of better-sqlite3 that is used here. */
interface Sqlite {
  exec(statements: string): void;
  prepare(text: string): { run(...values: string[]): void };
  pragma(text: string): void;
  close(): void;
}

const TABLES = `create table users (id text primary key, name text not null) strict;
  create table sessions (token_digest text primary key, user_id text not null references users (id)) strict;
  create table posts (id text primary key, title text not null, content text not null,
    author_id text not null references users (id), status text not null, published_at text, version integer not null,
    created_at text not null, updated_at text not null) strict;
  create index posts_status on posts (status, id)`;

/** Writes the data set into a new SQLite file. Throws if better-sqlite3 does not run here. */
export async function fillSqlite(path: string): Promise<void> {
  const Database = requireOfContenders("better-sqlite3") as new (path: string) => Sqlite;
  const db = new Database(path);
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = OFF");
  const { users, posts, token } = DATA_SET;
  const at = new Date(0).toISOString();
  db.exec(TABLES);
  db.exec("begin");
  const user = db.prepare("insert into users values (?, ?)");
  for (let number = 0; number < users; number++) user.run(authorId(number), `User ${number + 1}`);
  const post = db.prepare("insert into posts values (?, ?, ?, ?, 'published', ?, 1, ?, ?)");
  await inBatches(posts, async (first, titles, contents) => {
    for (const [index, title] of titles.entries()) {
      const number = first + index;
      post.run(postId(number), title, contents[index] ?? "", authorId(number), at, at, at);
    }
  });
  const digest = createHash("sha256").update(token).digest("hex");
  db.prepare("insert into sessions values (?, ?)").run(digest, authorId(0));
  db.exec("commit");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
}
