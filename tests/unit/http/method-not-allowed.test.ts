import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { answerHeaders } from "../../../src/interfaces/http/answer-headers.ts";
import type { HttpEnv } from "../../../src/interfaces/http/environment.ts";
import { answerOtherMethods } from "../../../src/interfaces/http/middleware/method-not-allowed.ts";

function appWith(build: (app: Hono<HttpEnv>) => void): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>().use(answerHeaders(""));
  build(app);
  answerOtherMethods(app);
  return app;
}

const answer = async (app: Hono<HttpEnv>, method: string, path: string) => {
  const response = await app.request(path, { method });
  return { status: response.status, allow: response.headers.get("Allow"), text: await response.text() };
};

describe("answerOtherMethods", () => {
  const app = appWith((routes) => {
    routes.use(async (_, next) => next());
    routes.get("/things", (c) => c.text("things"));
    routes.post("/things", (c) => c.text("made", 201));
    routes.put("/things/:id/name", (c) => c.text("named"));
  });

  it("refuses a method without a handler with 405, and lists the allowed methods", async () => {
    const { status, allow, text } = await answer(app, "DELETE", "/things");
    expect({ status, allow }).toEqual({ status: 405, allow: "GET, HEAD, OPTIONS, POST" });
    expect(JSON.parse(text)).toMatchObject({ status: 405, code: "method_not_allowed" });
  });

  it("allows HEAD only on paths with GET", async () => {
    expect(await answer(app, "HEAD", "/things")).toEqual({ status: 200, allow: null, text: "" });
    expect(await answer(app, "HEAD", "/things/1/name")).toEqual({ status: 405, allow: "OPTIONS, PUT", text: "" });
  });

  it("answers OPTIONS with the allowed methods", async () => {
    expect(await answer(app, "OPTIONS", "/things/1/name")).toEqual({ status: 204, allow: "OPTIONS, PUT", text: "" });
  });

  it("does not change the existing handlers", async () => {
    expect(await answer(app, "GET", "/things")).toEqual({ status: 200, allow: null, text: "things" });
    expect(await answer(app, "POST", "/things")).toEqual({ status: 201, allow: null, text: "made" });
  });

  it("answers 404 on a path that has only middleware", async () => {
    expect((await answer(app, "GET", "/other")).status).toBe(404);
    expect((await answer(app, "OPTIONS", "/other")).status).toBe(404);
  });
});
