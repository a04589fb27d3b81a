import Fastify from "fastify";
import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";
import { createPost, findPost, findUserId, listPosts, mayRead } from "./drizzle-queries.mjs";

const db = drizzle(postgres(process.env.DATA, { max: 10, onnotice: () => {} }));
const app = Fastify();

app.get("/v1/posts/:id", async (request, reply) => {
  const post = await findPost(db, request.params.id);
  if (!post || !(await mayRead(db, post, request.headers.authorization)))
    return reply.code(404).send({ error: "not found" });
  return post;
});

app.get("/v1/posts", async (request) => listPosts(db, request.query));

app.post("/v1/posts", async (request, reply) => {
  const userId = await findUserId(db, request.headers.authorization);
  if (!userId) return reply.code(401).send({ error: "unauthorized" });
  return reply.code(201).send(await createPost(db, userId, request.body));
});

console.log(await app.listen({ port: 0, host: "127.0.0.1" }));
