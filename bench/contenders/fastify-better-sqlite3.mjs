import { createHash, randomUUID } from "node:crypto";
import Fastify from "fastify";
import { openSqlite } from "./sqlite.mjs";

const db = openSqlite(process.env.DATA, process.env.SYNCHRONOUS);
const COLUMNS = `id, title, content, author_id as authorId, status, published_at as publishedAt, version,
  created_at as createdAt, updated_at as updatedAt`;
const selectPost = db.prepare(`select ${COLUMNS} from posts where id = ?`);
const selectFirst = db.prepare(`select ${COLUMNS} from posts where status = 'published' order by id desc limit 20`);
const selectNext = db.prepare(
  `select ${COLUMNS} from posts where status = 'published' and id < ? order by id desc limit 20`,
);
const selectSession = db.prepare("select user_id as userId from sessions where token_digest = ?");
const insert = db.prepare(`insert into posts values (?, ?, ?, ?, ?, ?, 1, ?, ?) returning ${COLUMNS}`);

function findUserId(authorization) {
  const token = authorization?.replace("Bearer ", "") ?? "";
  return selectSession.get(createHash("sha256").update(token).digest("hex"))?.userId;
}

const app = Fastify();

app.get("/v1/posts/:id", async (request, reply) => {
  const post = selectPost.get(request.params.id);
  const isHidden = post?.status === "draft" && findUserId(request.headers.authorization) !== post.authorId;
  if (!post || isHidden) return reply.code(404).send({ error: "not found" });
  return post;
});

app.get("/v1/posts", async (request) => {
  const { cursor } = request.query;
  const items = cursor ? selectNext.all(cursor) : selectFirst.all();
  return { items, nextCursor: items.at(-1)?.id ?? null };
});

app.post("/v1/posts", async (request, reply) => {
  const userId = findUserId(request.headers.authorization);
  if (!userId) return reply.code(401).send({ error: "unauthorized" });
  const { title, content, status } = request.body;
  const now = new Date().toISOString();
  const publishedAt = status === "published" ? now : null;
  return reply.code(201).send(insert.get(randomUUID(), title, content, userId, status, publishedAt, now, now));
});

console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
