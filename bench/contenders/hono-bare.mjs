/** The ceiling: the same framework and HTTP server, the same response bytes, no database. TEXT is the title and content of a post. */
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const post = {
  id: "00000000-0000-7000-8000-000000000001",
  ...JSON.parse(process.env.TEXT),
  status: "published",
  authorId: "00000000-0000-7000-9000-000000000001",
  publishedAt: new Date(0),
  version: 1,
  createdAt: new Date(0),
  updatedAt: new Date(0),
};
const pageOf = (item) => ({ items: Array.from({ length: 20 }, () => item), nextCursor: post.id });
const page = pageOf(post);
const pageWithAuthors = pageOf({ ...post, author: { id: post.authorId, name: "User 1" } });

const app = new Hono();
app.get("/v1/posts/:id", (c) => c.json(post));
app.get("/v1/posts", (c) => c.json(c.req.query("include") === "author" ? pageWithAuthors : page));
app.post("/v1/posts", async (c) => c.json({ ...post, ...(await c.req.json()) }, 201));

serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => console.log(`http://127.0.0.1:${port}`));
