import { serve } from "@hono/node-server";
import { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { Hono } from "hono";
import { createPost, findPost, findUserId, listPosts, mayRead } from "./drizzle-queries.mjs";

const db = drizzle({ client: await PGlite.create(process.env.DATA) });
const app = new Hono();

app.get("/v1/posts/:id", async (c) => {
  const post = await findPost(db, c.req.param("id"));
  if (!post || !(await mayRead(db, post, c.req.header("authorization")))) return c.json({ error: "not found" }, 404);
  return c.json(post);
});

app.get("/v1/posts", async (c) => c.json(await listPosts(db, c.req.query())));

app.post("/v1/posts", async (c) => {
  const userId = await findUserId(db, c.req.header("authorization"));
  if (!userId) return c.json({ error: "unauthorized" }, 401);
  return c.json(await createPost(db, userId, await c.req.json()), 201);
});

serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => console.log(`http://127.0.0.1:${port}`));
