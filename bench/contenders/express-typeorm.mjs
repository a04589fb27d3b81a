import "reflect-metadata";
import { createHash, randomUUID } from "node:crypto";
import express from "express";
import { DataSource, EntitySchema, LessThan } from "typeorm";

const User = new EntitySchema({
  name: "User",
  tableName: "users",
  columns: {
    id: { type: "uuid", primary: true },
    name: { type: "text" },
  },
});
const Post = new EntitySchema({
  name: "Post",
  tableName: "posts",
  columns: {
    id: { type: "uuid", primary: true },
    title: { type: "text" },
    content: { type: "text" },
    authorId: { type: "uuid", name: "author_id" },
    status: { type: "text" },
    publishedAt: { type: "timestamptz", name: "published_at", nullable: true },
    version: { type: "bigint" },
    createdAt: { type: "timestamptz", name: "created_at" },
    updatedAt: { type: "timestamptz", name: "updated_at" },
  },
  relations: {
    author: { type: "many-to-one", target: "User", joinColumn: { name: "author_id" } },
  },
});
const Session = new EntitySchema({
  name: "Session",
  tableName: "sessions",
  columns: {
    id: { type: "uuid", primary: true },
    userId: { type: "uuid", name: "user_id" },
    tokenDigest: { type: "text", name: "token_digest" },
  },
});

const entities = [User, Post, Session];
const source = new DataSource({ type: "postgres", url: process.env.DATA, entities, poolSize: 10 });
await source.initialize();
const posts = source.getRepository(Post);
const sessions = source.getRepository(Session);

async function findUserId(authorization) {
  const token = authorization?.replace("Bearer ", "") ?? "";
  const tokenDigest = createHash("sha256").update(token).digest("hex");
  return (await sessions.findOneBy({ tokenDigest }))?.userId;
}

const app = express();
app.use(express.json({ limit: "2mb" }));

app.get("/v1/posts/:id", async (request, response) => {
  const post = await posts.findOneBy({ id: request.params.id });
  const isHidden = post?.status === "draft" && (await findUserId(request.headers.authorization)) !== post.authorId;
  if (!post || isHidden) return response.status(404).json({ error: "not found" });
  response.json(post);
});

app.get("/v1/posts", async (request, response) => {
  const { cursor, include } = request.query;
  const where = { status: "published", ...(cursor ? { id: LessThan(cursor) } : {}) };
  const relations = { author: include === "author" };
  const items = await posts.find({ where, relations, order: { id: "DESC" }, take: 20 });
  response.json({ items, nextCursor: items.at(-1)?.id ?? null });
});

app.post("/v1/posts", async (request, response) => {
  const authorId = await findUserId(request.headers.authorization);
  if (!authorId) return response.status(401).json({ error: "unauthorized" });
  const { title, content, status } = request.body;
  const now = new Date();
  const publishedAt = status === "published" ? now : null;
  const post = { id: randomUUID(), title, content, status, authorId, publishedAt, version: 1 };
  response.status(201).json(await posts.save({ ...post, createdAt: now, updatedAt: now }));
});

const server = app.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
