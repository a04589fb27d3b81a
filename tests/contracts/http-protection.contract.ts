import { describe, expect, it } from "vitest";
import { HTTP_SETTINGS, problemOf, type OpenApi } from "../support/api.ts";

const AN_ID = "00000000-0000-7000-8000-000000000000";
const PAGE = "https://app.example.org";
const OTHER = "https://evil.example.org";

export function httpProtectionContract(open: OpenApi) {
  const sharing = async (...corsOrigins: string[]) => open({ http: { ...HTTP_SETTINGS, corsOrigins } });

  describe("pages of other origins", () => {
    const preflight = (method: string) => ({ Origin: PAGE, "Access-Control-Request-Method": method });
    const from = (origin: string) => ({ Origin: origin });

    it("may read nothing where none is named", async () => {
      const { nobody } = await open();
      for (const reply of [
        await nobody.get("/v1/posts", from(PAGE)),
        await nobody.call("OPTIONS", "/v1/posts", { headers: preflight("POST") }),
      ]) {
        expect([...reply.headers.keys()].filter((name) => name.startsWith("access-control-"))).toEqual([]);
        expect(reply.headers.get("Vary")).not.toContain("Origin");
      }
    });

    it("may read what a page of a named origin asks for, and only that", async () => {
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

    it("may all read where * is named, and caches need not tell them apart", async () => {
      const { nobody } = await sharing("*");
      const reply = await nobody.get("/v1/posts", from(OTHER));
      expect(reply.headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(reply.headers.get("Vary")).not.toContain("Origin");
    });

    it("may read the headers that a client needs", async () => {
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

    it("may read every error", async () => {
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
    ])("hear before they ask that %s takes %s, with every header of a client", async (path, method, methods) => {
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

    it("may ask for what is not there, and read that it is not", async () => {
      const { nobody } = await sharing(PAGE);
      const before = await nobody.call("OPTIONS", "/v1/nothing", { headers: preflight("DELETE") });
      expect(before.status).toBe(204);
      expect(before.headers.get("Access-Control-Allow-Methods")).toBe("DELETE");
    });

    it("hear nothing before they ask when their origin is not named", async () => {
      const { nobody } = await sharing("http://localhost:5173");
      const { headers } = await nobody.call("OPTIONS", "/v1/posts", { headers: preflight("POST") });
      expect(headers.has("Access-Control-Allow-Origin")).toBe(false);
      expect(headers.has("Access-Control-Allow-Methods")).toBe(false);
    });

    it("that send OPTIONS themselves are answered as everybody", async () => {
      const { nobody } = await sharing(PAGE);
      const reply = await nobody.call("OPTIONS", "/v1/posts", { headers: from(PAGE) });
      expect(reply.headers.get("Allow")).toBe("GET, HEAD, OPTIONS, POST");
      expect(reply.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
      expect(reply.headers.has("Access-Control-Allow-Methods")).toBe(false);
    });
  });
}
