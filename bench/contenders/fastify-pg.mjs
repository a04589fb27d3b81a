import { createHash, randomUUID } from "node:crypto";
import Fastify from "fastify";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATA, max: 10 });
const COLUMNS = `posts.id, title, content, author_id as "authorId", status, published_at as "publishedAt", posts.version,
  posts.created_at as "createdAt", posts.updated_at as "updatedAt"`;
const AUTHOR = "json_build_object('id', users.id, 'name', users.name) as author";

/** Only the tables with Quire's indexes have the column `search`. Excerpts are taken of the best posts alone. */
const SEARCH = `select ${COLUMNS}, ts_headline('simple', content, websearch_to_tsquery('simple', $1)) as excerpt
  from (
    select posts.*, ts_rank(search, websearch_to_tsquery('simple', $1)) as rank
    from posts where status = 'published' and search @@ websearch_to_tsquery('simple', $1)
    order by rank desc, posts.id desc limit 20
  ) as posts
  order by rank desc, posts.id desc`;

const app = Fastify();

async function findUserId(authorization) {
  const digest = createHash("sha256")
    .update(authorization?.replace("Bearer ", "") ?? "")
    .digest("hex");
  const text = "select user_id from sessions where token_digest = $1";
  const { rows } = await pool.query({ name: "session", text, values: [digest] });
  return rows[0]?.user_id;
}

app.get("/v1/posts/:id", async (request, reply) => {
  const text = `select ${COLUMNS} from posts where id = $1`;
  const { rows } = await pool.query({ name: "post", text, values: [request.params.id] });
  const [post] = rows;
  const isHidden = post?.status === "draft" && (await findUserId(request.headers.authorization)) !== post.authorId;
  if (!post || isHidden) return reply.code(404).send({ error: "not found" });
  return post;
});

async function search(q) {
  const { rows: items } = await pool.query({ name: "search", text: SEARCH, values: [q] });
  return { items };
}

app.get("/v1/posts", async (request) => {
  const { q, cursor, include } = request.query;
  if (q) return search(q);
  const hasAuthors = include === "author";
  const name = `${cursor ? "next" : "first"} page${hasAuthors ? " with authors" : ""}`;
  const text = `select ${hasAuthors ? `${COLUMNS}, ${AUTHOR}` : COLUMNS}
    from posts ${hasAuthors ? "join users on users.id = posts.author_id" : ""}
    where status = 'published' ${cursor ? "and posts.id < $1" : ""}
    order by posts.id desc limit 20`;
  const { rows: items } = await pool.query({ name, text, values: cursor ? [cursor] : [] });
  return { items, nextCursor: items.at(-1)?.id ?? null };
});

app.post("/v1/posts", async (request, reply) => {
  const userId = await findUserId(request.headers.authorization);
  if (!userId) return reply.code(401).send({ error: "unauthorized" });
  const { title, content, status } = request.body;
  const now = new Date();
  const { rows } = await pool.query({
    name: "insert",
    text: `insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at)
      values ($1, $2, $3, $4, $5, $6, 1, $7, $7) returning ${COLUMNS}`,
    values: [randomUUID(), title, content, userId, status, status === "published" ? now : null, now],
  });
  return reply.code(201).send(rows[0]);
});

console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
