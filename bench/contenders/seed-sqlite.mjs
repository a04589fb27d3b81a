/** Writes the data set into a new SQLite file: `node seed-sqlite.mjs <path> <data set as JSON>`. */
import { createHash } from "node:crypto";
import { openSqlite } from "./sqlite.mjs";

const [path, text] = process.argv.slice(2);
const { users, posts, token, content } = JSON.parse(text);
const id = (kind, number) => `00000000-0000-7000-${kind}-${number.toString(16).padStart(12, "0")}`;
const db = openSqlite(path, "OFF");
db.exec(`create table users (id text primary key, name text not null) strict;
  create table sessions (token_digest text primary key, user_id text not null references users (id)) strict;
  create table posts (id text primary key, title text not null, content text not null,
    author_id text not null references users (id), status text not null, published_at text, version integer not null,
    created_at text not null, updated_at text not null) strict;
  create index posts_status on posts (status, id)`);
const at = new Date(0).toISOString();
const user = db.prepare("insert into users values (?, ?)");
const post = db.prepare("insert into posts values (?, ?, ?, ?, ?, ?, 1, ?, ?)");
db.transaction(() => {
  for (let number = 1; number <= users; number++) user.run(id("9000", number), `User ${number}`);
  for (let number = 1; number <= posts; number++) {
    const author = id("9000", 1 + (number % users));
    post.run(id("8000", number), `Post ${number}`, content, author, "published", at, at, at);
  }
  db.prepare("insert into sessions values (?, ?)").run(createHash("sha256").update(token).digest("hex"), id("9000", 1));
})();
db.pragma("wal_checkpoint(TRUNCATE)");
db.close();
