/** Creates Payload's tables, fills them from `bench.texts`, and prints a token: `node seed.mjs <data set as JSON>`. */
import { getPayload } from "payload";
import config from "./payload.config.js";

const { users } = JSON.parse(process.argv[2]);
const credentials = { email: "user1@example.org", password: "correct horse" };
// Outside of production, Payload creates the tables of its collections itself.
const payload = await getPayload({ config });
await payload.create({ collection: "users", data: { ...credentials, name: "User 1" } });
const { token } = await payload.login({ collection: "users", data: credentials });

const { pool } = payload.db;
await pool.query(`insert into users (name, email)
  select 'User ' || n, 'user' || n || '@example.org' from generate_series(2, ${users}) n`);
await pool.query(`insert into posts (title, content, author_id, created_at, updated_at, _status)
  select title, content, 1 + n % ${users}, to_timestamp(n), to_timestamp(n), 'published' from bench.texts order by n`);
await pool.query(`insert into _posts_v (parent_id, version_title, version_content, version_author_id,
    version_created_at, version_updated_at, version__status, created_at, updated_at, latest)
  select id, title, content, author_id, created_at, updated_at, 'published', created_at, updated_at, true
  from posts order by id`);
await pool.query("drop schema bench cascade");
await pool.query("checkpoint");
await pool.query("vacuum analyze");
console.log(token);
process.exit(0);
