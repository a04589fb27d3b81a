import { createHash, randomUUID } from "node:crypto";
import Fastify from "fastify";
import { openSqlite } from "./sqlite.mjs";

const db = openSqlite(process.env.DATA, process.env.SYNCHRONOUS);
const COLUMNS = `posts.id, title, content, author_id as authorId, status, published_at as publishedAt, version,
  created_at as createdAt, updated_at as updatedAt`;
const FIRST = "where status = 'published' order by posts.id desc limit 20";
const NEXT = "where status = 'published' and posts.id < ? order by posts.id desc limit 20";
const WITH_AUTHORS = `select ${COLUMNS}, users.name as authorName from posts join users on users.id = posts.author_id`;
const selectPost = db.prepare(`select ${COLUMNS} from posts where id = ?`);
const selectFirst = db.prepare(`select ${COLUMNS} from posts ${FIRST}`);
const selectNext = db.prepare(`select ${COLUMNS} from posts ${NEXT}`);
const selectFirstWithAuthors = db.prepare(`${WITH_AUTHORS} ${FIRST}`);
const selectNextWithAuthors = db.prepare(`${WITH_AUTHORS} ${NEXT}`);
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

function list(cursor) {
  return cursor ? selectNext.all(cursor) : selectFirst.all();
}

function listWithAuthors(cursor) {
  const rows = cursor ? selectNextWithAuthors.all(cursor) : selectFirstWithAuthors.all();
  return rows.map(({ authorName, ...post }) => ({ ...post, author: { id: post.authorId, name: authorName } }));
}

app.get("/v1/posts", async (request) => {
  const { cursor, include } = request.query;
  const items = include === "author" ? listWithAuthors(cursor) : list(cursor);
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
