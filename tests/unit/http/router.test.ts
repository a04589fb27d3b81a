import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { LiteralsFirstRouter } from "../../../src/interfaces/http/router.ts";

function app() {
  return new Hono({ router: new LiteralsFirstRouter() })
    .use(async (c, next) => {
      c.header("First", "1");
      await next();
    })
    .use("/users/*", async (c, next) => {
      c.header("Users", "1");
      await next();
    })
    .get("/users/me", (c) => c.text("me"))
    .get("/users/:id", (c) => c.text(`user ${c.req.param("id")}`))
    .get("/users/:id/posts", (c) => c.text(`posts of ${c.req.param("id")}`))
    .all("/users/me", (c) => c.text("other", 405));
}

describe("LiteralsFirstRouter", () => {
  it.each([
    ["GET", "/users/me", 200, "me"],
    ["DELETE", "/users/me", 405, "other"],
    ["GET", "/users/17", 200, "user 17"],
    ["GET", "/users/me/posts", 200, "posts of me"],
    ["GET", "/users/mee", 200, "user mee"],
  ])("%s %s", async (method, path, status, text) => {
    const response = await app().request(path, { method });
    expect([response.status, await response.text()]).toEqual([status, text]);
    expect([response.headers.get("First"), response.headers.get("Users")]).toEqual(["1", "1"]);
  });

  it.each(["/", "/users", "/users/17/comments"])("finds no route for %s", async (path) => {
    expect((await app().request(path)).status).toBe(404);
  });
});
