import { describe, expect, it } from "vitest";
import { HTTP_SETTINGS, type OpenRemoteApi } from "../../support/api.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const PAGE = "https://app.example.org";
const OTHER = "https://evil.example.org";

export function httpCorsTests(open: OpenRemoteApi) {
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

    it("allows the responses to invalid requests", async () => {
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
      for (const { headers } of replies) expect(headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
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

    it("allows a header name of 64 characters", async () => {
      const { nobody } = await sharing(PAGE);
      const asked = "x".repeat(64);
      const headers = { ...preflight("GET"), "Access-Control-Request-Headers": asked };
      const reply = await nobody.call("OPTIONS", "/v1/posts", { headers });
      expect(reply.headers.get("Access-Control-Allow-Headers")?.split(", ")).toContain(asked);
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
}
