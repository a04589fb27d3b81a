import { EventEmitter, once } from "node:events";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { Timer } from "../../../src/interfaces/http/middleware/time-limit.ts";
import { HTTP_SETTINGS, problemOf, type OpenApi, type Reply } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const PAGE = "https://app.example.org";
const OTHER = "https://evil.example.org";

export function httpProtectionTests(open: OpenApi, openStorage: () => Promise<Storage>) {
  const sharing = async (...corsOrigins: string[]) => open({ http: { ...HTTP_SETTINGS, corsOrigins } });

  describe("CORS", () => {
    const preflight = (method: string) => ({ Origin: PAGE, "Access-Control-Request-Method": method });
    const from = (origin: string) => ({ Origin: origin });

    it("is disabled when no origin is configured", async () => {
      const { nobody } = await open();
      for (const reply of [
        await nobody.get("/v1/posts", from(PAGE)),
        await nobody.call("OPTIONS", "/v1/posts", { headers: preflight("POST") }),
      ]) {
        expect([...reply.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
        expect(reply.headers.get("Vary")).not.toContain("Origin");
      }
    });

    it("allows responses only to configured origins", async () => {
      const { nobody } = await sharing("http://localhost:5173", PAGE);
      const named = await nobody.get("/v1/posts", from(PAGE));
      expect(named.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
      expect(named.headers.has("Access-Control-Allow-Credentials")).toBe(false);
      for (const headers of [from(OTHER), from(`${PAGE}.evil.org`), from("null"), {}]) {
        const other = await nobody.get("/v1/posts", headers);
        expect(other.status).toBe(200);
        expect(other.headers.has("Access-Control-Allow-Origin")).toBe(false);
        expect(other.headers.get("Vary")).toContain("Origin");
      }
      expect(named.headers.get("Vary")).toContain("Origin");
    });

    it("allows every origin with *, without Vary: Origin", async () => {
      const { nobody } = await sharing("*");
      const reply = await nobody.get("/v1/posts", from(OTHER));
      expect(reply.headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(reply.headers.get("Vary")).not.toContain("Origin");
    });

    it("exposes the headers that a client needs", async () => {
      const { nobody } = await sharing(PAGE);
      const reply = await nobody.get("/v1/posts", from(PAGE));
      const exposed = reply.headers.get("Access-Control-Expose-Headers")?.split(", ");
      for (const header of [
        "ETag",
        "Link",
        "Location",
        "Retry-After",
        "X-Request-Id",
        "Idempotency-Replayed",
        "Allow",
      ]) {
        expect(exposed).toContain(header);
      }
    });

    it("allows the responses of every error", async () => {
      const storage = { list: async () => Promise.reject(new Error("down")) };
      const api = await sharing(PAGE);
      const json = { "Content-Type": "application/json" };
      const replies = [
        await api.nobody.get("/v1/nothing", from(PAGE)),
        await api.nobody.get("/v1/posts", { ...from(PAGE), Authorization: "Bearer nobodys" }),
        await api.nobody.call("PURGE", "/v1/posts", { headers: from(PAGE) }),
        await api.nobody.post("/v1/users", {}, from(PAGE)),
        await api.nobody.call("POST", "/v1/users", { raw: " ".repeat(70_000), headers: { ...json, ...from(PAGE) } }),
        await api.nobody.call("POST", "/v1/users", { raw: "{", headers: { ...json, ...from(PAGE) } }),
      ];
      expect(replies.map(({ status }) => status)).toEqual([404, 401, 405, 422, 413, 400]);
      const crashing = await open({ posts: storage as never, http: { ...HTTP_SETTINGS, corsOrigins: [PAGE] } });
      const crash = await crashing.nobody.get("/v1/posts", from(PAGE));
      expect(problemOf(crash)).toBe("500 internal_error");
      for (const { headers } of [...replies, crash]) expect(headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
    });

    it.each([
      ["/v1/posts", "POST", "GET, HEAD, OPTIONS, POST"],
      [`/v1/posts/${AN_ID}`, "PATCH", "DELETE, GET, HEAD, OPTIONS, PATCH"],
      [`/v1/users/${AN_ID}/password`, "PUT", "OPTIONS, PUT"],
      ["/health/ready", "GET", "GET, HEAD, OPTIONS"],
    ])("answers a preflight for %s with the method %s and every header of a client", async (path, method, methods) => {
      const { nobody } = await sharing(PAGE);
      const { status, headers } = await nobody.call("OPTIONS", path, { headers: preflight(method) });
      expect(status).toBe(204);
      expect(headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
      expect(headers.get("Access-Control-Allow-Methods")).toBe(methods);
      expect(headers.get("Access-Control-Max-Age")).toBe("7200");
      const sendable = headers.get("Access-Control-Allow-Headers")?.split(", ");
      for (const header of ["Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key"]) {
        expect(sendable).toContain(header);
      }
    });

    it("allows requested headers, such as those of tracing, and varies by them", async () => {
      const { nobody } = await sharing(PAGE);
      const asked = "sentry-trace,baggage, traceparent ,Authorization,traceparent";
      const headers = { ...preflight("GET"), "Access-Control-Request-Headers": asked };
      const reply = await nobody.call("OPTIONS", "/v1/posts", { headers });
      const sendable = reply.headers.get("Access-Control-Allow-Headers")?.split(", ") ?? [];
      expect(sendable.slice(-3)).toEqual(["sentry-trace", "baggage", "traceparent"]);
      expect(new Set(sendable.map((name) => name.toLowerCase())).size).toBe(sendable.length);
      for (const name of ["Origin", "Access-Control-Request-Headers", "Access-Control-Request-Method"]) {
        expect(reply.headers.get("Vary")?.split(", ")).toContain(name);
      }
    });

    it.each([
      ["headers that a proxy reads", "x-forwarded-for,forwarded,x-real-ip,x-forwarded-host,cf-connecting-ip"],
      ["headers that change the method or the path", "x-http-method-override,x-original-url,x-rewrite-url"],
      ["malformed header names", 'a b,é,"x",a:b,<script>,'],
      ["a header name of 65 characters", "x".repeat(65)],
    ])("does not allow %s", async (_, asked) => {
      const { nobody } = await sharing("*");
      const usual = await nobody.call("OPTIONS", "/v1/posts", { headers: preflight("GET") });
      const headers = { ...preflight("GET"), "Access-Control-Request-Headers": asked };
      const reply = await nobody.call("OPTIONS", "/v1/posts", { headers });
      expect(reply.headers.get("Access-Control-Allow-Headers")).toBe(usual.headers.get("Access-Control-Allow-Headers"));
    });

    it("allows at most 32 requested headers", async () => {
      const { nobody } = await sharing(PAGE);
      const asked = Array.from({ length: 100 }, (_, i) => `x-${i}`);
      const headers = { ...preflight("GET"), "Access-Control-Request-Headers": asked.join(",") };
      const reply = await nobody.call("OPTIONS", "/v1/posts", { headers });
      const allowed = reply.headers.get("Access-Control-Allow-Headers")?.split(", ") ?? [];
      expect(allowed.filter((name) => asked.includes(name))).toEqual(asked.slice(0, 32));
    });

    it("answers a preflight for an unknown route", async () => {
      const { nobody } = await sharing(PAGE);
      const before = await nobody.call("OPTIONS", "/v1/nothing", { headers: preflight("DELETE") });
      expect(before.status).toBe(204);
      expect(before.headers.get("Access-Control-Allow-Methods")).toBe("DELETE");
    });

    it("does not answer a preflight from another origin", async () => {
      const { nobody } = await sharing("http://localhost:5173");
      const { headers } = await nobody.call("OPTIONS", "/v1/posts", { headers: preflight("POST") });
      expect(headers.has("Access-Control-Allow-Origin")).toBe(false);
      expect(headers.has("Access-Control-Allow-Methods")).toBe(false);
    });

    it("answers a plain OPTIONS request without preflight headers", async () => {
      const { nobody } = await sharing(PAGE);
      const reply = await nobody.call("OPTIONS", "/v1/posts", { headers: from(PAGE) });
      expect(reply.headers.get("Allow")).toBe("GET, HEAD, OPTIONS, POST");
      expect(reply.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
      expect(reply.headers.has("Access-Control-Allow-Methods")).toBe(false);
    });
  });

  describe("compression", () => {
    const GZIP = { "Accept-Encoding": "gzip, deflate, br" };
    const LONG = "Wörter ".repeat(1000);
    const encoding = (reply: Reply) => reply.headers.get("Content-Encoding");

    it("compresses a long response for a client that accepts gzip, with a separate ETag", async () => {
      const api = await open();
      const owner = await api.author();
      const { id } = await owner.write({ content: LONG, status: "published" });
      const plain = await api.nobody.get(`/v1/posts/${id}`);
      const compressed = await api.nobody.get(`/v1/posts/${id}`, GZIP);
      expect([encoding(plain), plain.headers.get("ETag")]).toEqual([null, '"1"']);
      expect([encoding(compressed), compressed.headers.get("ETag")]).toEqual(["gzip", '"1-gzip"']);
      expect(compressed.text).toBe(plain.text);
      const sent = await (await api.app.request(`/v1/posts/${id}`, { headers: GZIP })).arrayBuffer();
      expect(sent.byteLength).toBeLessThan(plain.text.length / 10);
    });

    it("does not change the weak ETag of a list", async () => {
      const api = await open();
      await (await api.author()).write({ content: LONG, status: "published" });
      const [plain, compressed] = [await api.nobody.get("/v1/posts"), await api.nobody.get("/v1/posts", GZIP)];
      expect([encoding(plain), encoding(compressed)]).toEqual([null, "gzip"]);
      expect(compressed.headers.get("ETag")).toBe(plain.headers.get("ETag"));
      expect(compressed.text).toBe(plain.text);
    });

    it("has ETags that If-None-Match and If-Match accept", async () => {
      const owner = await (await open()).author();
      const path = `/v1/posts/${(await owner.write({ content: LONG })).id}`;
      const unchanged = await owner.get(path, { ...GZIP, "If-None-Match": '"1-gzip"' });
      expect([unchanged.status, unchanged.headers.get("ETag")]).toEqual([304, '"1-gzip"']);
      const plain = await owner.get(path, { ...GZIP, "If-None-Match": '"1"' });
      expect([plain.status, plain.headers.get("ETag")]).toEqual([304, '"1"']);
      const edited = await owner.patch(path, { title: "Another" }, { ...GZIP, "If-Match": '"1-gzip"' });
      expect([edited.status, edited.headers.get("ETag"), encoding(edited)]).toEqual([200, '"2-gzip"', "gzip"]);
      expect(problemOf(await owner.patch(path, { title: "A third" }, { "If-Match": '"1-gzip"' }))).toBe(
        "412 precondition_failed",
      );
      expect((await owner.delete(path, { "If-Match": '"2-gzip"' })).status).toBe(204);
    });

    it("answers HEAD like GET", async () => {
      const owner = await (await open()).author();
      const path = `/v1/posts/${(await owner.write({ content: LONG })).id}`;
      const [head, get] = [await owner.call("HEAD", path, { headers: GZIP }), await owner.get(path, GZIP)];
      for (const header of ["Content-Encoding", "ETag", "Vary"]) {
        expect(head.headers.get(header)).toBe(get.headers.get(header));
      }
    });

    it.each(["identity", "br", "gzip;q=0", "deflate, gzip;q=0.0, *;q=0"])(
      "is not used with Accept-Encoding: %s",
      async (accepted) => {
        const owner = await (await open()).author();
        const path = `/v1/posts/${(await owner.write({ content: LONG })).id}`;
        const reply = await owner.get(path, { "Accept-Encoding": accepted });
        expect([encoding(reply), reply.headers.get("ETag")]).toEqual([null, '"1"']);
      },
    );

    it("is not used for short responses, errors and responses with no-store", async () => {
      const api = await open();
      const owner = await api.author();
      const short = await owner.get(`/v1/posts/${(await owner.write()).id}`, GZIP);
      expect([short.status, encoding(short), short.headers.get("ETag")]).toEqual([200, null, '"1"']);
      const error = await owner.get(`/v1/posts/${AN_ID}`, GZIP);
      expect([error.status, encoding(error)]).toEqual([404, null]);
      for (let opened = 0; opened < 10; opened++) await api.logIn(owner.email);
      const sessions = await owner.get("/v1/sessions", GZIP);
      expect(sessions.text.length).toBeGreaterThan(1024);
      expect([sessions.status, encoding(sessions)]).toEqual([200, null]);
    });
  });

  describe("the deadline of a request", () => {
    const never = async () => new Promise<never>(() => {});
    /** An API with a manual timer. `pass` lets the deadline of every running request expire. */
    const hanging = async (overrides: (storage: Storage) => Partial<Storage>) => {
      const storage = await openStorage();
      const started = new EventEmitter();
      const running = new Set<() => void>();
      const timer: Timer = (_, run) => {
        running.add(run);
        started.emit("timer");
        return () => running.delete(run);
      };
      const pass = () => {
        const expired = Array.from(running);
        running.clear();
        for (const run of expired) run();
      };
      const api = await open({ ...storage, ...overrides(storage), timer });
      return { ...api, pass, timerStarts: async () => once(started, "timer") };
    };

    it("answers a read with 503 and Retry-After", async () => {
      const { nobody, pass, timerStarts } = await hanging(({ posts }) => ({ posts: { ...posts, list: never } }));
      const starts = timerStarts();
      const pending = nobody.get("/v1/posts");
      await starts;
      pass();
      const reply = await pending;
      expect(problemOf(reply)).toBe("503 timed_out");
      expect(reply.headers.get("Retry-After")).toBe("1");
    });

    it("does not include the time of receiving the body", async () => {
      const { nobody, pass } = await hanging(() => ({}));
      const body = JSON.stringify({ name: "Ada", email: "ada@example.org", password: PASSWORD });
      const raw = new ReadableStream<Uint8Array>(
        {
          pull: (controller) => {
            // The server is reading the body. The deadline expires three times before the body is complete.
            for (let times = 0; times < 3; times++) pass();
            controller.enqueue(new TextEncoder().encode(body));
            controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const reply = await nobody.call("POST", "/v1/users", { raw, headers: { "Content-Type": "application/json" } });
      expect(reply.status).toBe(201);
    });

    it("answers a write with outcome_unknown", async () => {
      let isWriting = () => {};
      const writing = new Promise<void>((settle) => (isWriting = settle));
      const write = async () => {
        isWriting();
        return never();
      };
      const { nobody, pass } = await hanging(({ unitOfWork, users }) => ({
        users: { ...users, insert: write },
        unitOfWork: { ...unitOfWork, run: write },
      }));
      const pending = nobody.post("/v1/users", { name: "Ada", email: "ada@example.org", password: PASSWORD });
      await writing;
      pass();
      const reply = await pending;
      expect(problemOf(reply)).toBe("503 outcome_unknown");
    });
  });
}
