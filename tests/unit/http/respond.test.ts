import { Hono, type MiddlewareHandler } from "hono";
import { setCookie } from "hono/cookie";
import { requestId } from "hono/request-id";
import { describe, expect, it } from "vitest";
import { answerHeaders } from "../../../src/interfaces/http/answer-headers.ts";
import type { HttpEnv } from "../../../src/interfaces/http/environment.ts";
import { respond, setHeader } from "../../../src/interfaces/http/respond.ts";

type Middleware = MiddlewareHandler<HttpEnv>;

/** An app with third-party middleware behind the start of the headers. */
const withMiddleware = (...middleware: readonly Middleware[]) => {
  const app = new Hono<HttpEnv>().use(answerHeaders(""));
  for (const each of middleware) app.use(each);
  return app.get("/", (c) => {
    setHeader(c, "X-Own", "own");
    return respond(c, "body", 200, { "Content-Type": "text/plain" });
  });
};

const get = async (app: Hono<HttpEnv>) => (await app.request("/")).headers;

describe("respond", () => {
  it.each<[string, (middleware: Middleware) => Hono<HttpEnv>]>([
    ["in the app", (middleware) => withMiddleware(middleware)],
    ["in front of the app", (middleware) => new Hono<HttpEnv>().use(middleware).route("/", withMiddleware())],
  ])("sends the headers that middleware %s sets before next()", async (_, appWith) => {
    const headers = await get(
      appWith(async (c, next) => {
        c.header("X-Before", "1");
        c.header("cache-control", "no-store");
        c.header("vary", "X-Before", { append: true });
        setCookie(c, "a", "1");
        setCookie(c, "b", "2");
        await next();
      }),
    );
    expect(headers.get("X-Before")).toBe("1");
    expect(headers.get("X-Own")).toBe("own");
    expect(headers.get("Content-Type")).toBe("text/plain");
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(headers.get("Vary")).toBe("Authorization, Accept-Encoding, X-Before");
    expect(headers.getSetCookie()).toEqual(["a=1; Path=/", "b=2; Path=/"]);
  });

  it("sends the id of hono/request-id", async () => {
    expect((await get(withMiddleware(requestId()))).get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("sends the headers that middleware sets on c.res before next(), and by c.header after it", async () => {
    const headers = await get(
      withMiddleware(async (c, next) => {
        c.res.headers.set("X-Before", "1");
        await next();
        c.header("X-After", "2");
      }),
    );
    expect([headers.get("X-Before"), headers.get("X-After"), headers.get("X-Own")]).toEqual(["1", "2", "own"]);
  });

  it("omits a header that middleware removes before next()", async () => {
    const headers = await get(
      withMiddleware(async (c, next) => {
        c.header("cache-control", undefined);
        await next();
      }),
    );
    expect(headers.get("Cache-Control")).toBeNull();
  });

  it("adds the headers of the app to a response of middleware, except those that it has itself", async () => {
    const headers = await get(
      withMiddleware(async (c) => {
        c.header("X-Before", "1");
        return c.text("no", 401, { "Cache-Control": "no-store" });
      }),
    );
    expect(headers.get("X-Before")).toBe("1");
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
    expect(headers.get("Cache-Control")).toBe("no-store");
  });
});
