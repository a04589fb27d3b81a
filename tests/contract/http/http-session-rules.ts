import { describe, expect, it } from "vitest";
import { nextId } from "../../../src/testing/fixtures.ts";
import { fieldCodes, problemOf, type OpenRemoteApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

/** The rules of sessions that do not depend on the storage: fields, rights, the header Authorization. They run on memory only. */
export function httpSessionRules(open: OpenRemoteApi) {
  describe("POST /v1/sessions", () => {
    it("returns the same response to a wrong address and to a wrong password", async () => {
      const { author, nobody } = await open();
      const { email } = await author();
      const replies = [
        await nobody.post("/v1/sessions", { email, password: "wrong password" }),
        await nobody.post("/v1/sessions", { email: "nobody@example.org", password: PASSWORD }),
        await nobody.post("/v1/sessions", { email: "not an address", password: PASSWORD }),
        await nobody.post("/v1/sessions", { email, password: "x" }),
        await nobody.post("/v1/sessions", { email: "nul\0@example.org", password: PASSWORD }),
        await nobody.post("/v1/sessions", { email, password: "lone \ud800 surrogate" }),
      ];
      const [first, ...others] = replies.map(({ status, headers, body }) => ({
        status,
        challenge: headers.get("WWW-Authenticate"),
        body: { ...(body as object), requestId: null },
      }));
      expect(first).toMatchObject({
        status: 401,
        challenge: 'Bearer realm="quire"',
        body: { code: "invalid_credentials", detail: "No user has this e-mail address and this password. Check both." },
      });
      for (const other of others) expect(other).toEqual(first);
    });

    it.each([
      ["no address", { email: undefined }, "/email: required"],
      ["no password", { password: undefined }, "/password: required"],
      ["null as the password", { password: null }, "/password: wrong_type"],
      ["an unknown field", { remember: true }, "/remember: unknown_field"],
    ])("rejects %s", async (_, fields, expected) => {
      const { author, nobody } = await open();
      const { email } = await author();
      const reply = await nobody.post("/v1/sessions", { email, password: PASSWORD, ...fields });
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });

  describe("GET /v1/sessions", () => {
    it("sends Cache-Control: no-store", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.get("/v1/sessions")).headers.get("Cache-Control")).toBe("no-store");
    });

    it("answers 401 to a guest", async () => {
      const { nobody } = await open();
      expect(problemOf(await nobody.get("/v1/sessions"))).toBe("401 authentication_required");
    });
  });

  describe("DELETE /v1/sessions", () => {
    it("answers 401 to a guest and to a revoked session", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      await owner.delete("/v1/sessions");
      expect(problemOf(await owner.delete("/v1/sessions"))).toBe("401 invalid_session");
      expect(problemOf(await nobody.delete("/v1/sessions"))).toBe("401 authentication_required");
    });
  });

  describe("DELETE /v1/sessions/:id", () => {
    it("answers 404 for an unknown or malformed id", async () => {
      const { author } = await open();
      const owner = await author();
      for (const id of [nextId(), "1", owner.token]) {
        expect(problemOf(await owner.delete(`/v1/sessions/${id}`))).toBe("404 session_not_found");
      }
    });
  });

  describe("The header Authorization", () => {
    const RIGHTS_NEEDED: readonly (readonly [method: string, path: string])[] = [
      ["PATCH", "/v1/users/00000000-0000-7000-8000-000000000000"],
      ["DELETE", "/v1/users/00000000-0000-7000-8000-000000000000"],
      ["PUT", "/v1/users/00000000-0000-7000-8000-000000000000/password"],
      ["GET", "/v1/sessions"],
      ["DELETE", "/v1/sessions"],
      ["DELETE", "/v1/sessions/00000000-0000-7000-8000-000000000000"],
      ["POST", "/v1/posts"],
      ["PATCH", "/v1/posts/00000000-0000-7000-8000-000000000000"],
      ["DELETE", "/v1/posts/00000000-0000-7000-8000-000000000000"],
      ["POST", "/v1/posts/00000000-0000-7000-8000-000000000000/publish"],
      ["POST", "/v1/posts/00000000-0000-7000-8000-000000000000/unpublish"],
    ];

    it.each(RIGHTS_NEEDED)("is required by %s %s before any other check", async (method, path) => {
      const { nobody } = await open();
      const reply = await nobody.call(method, path);
      expect(problemOf(reply)).toBe("401 authentication_required");
      expect(reply.headers.get("WWW-Authenticate")).toBe('Bearer realm="quire"');
    });

    const PUBLIC = ["/v1/users", "/v1/users/00000000-0000-7000-8000-000000000000", "/v1/posts"];

    it.each([
      ["with another scheme", "Basic YWRhOnNlY3JldA=="],
      ["with the scheme alone", "Bearer"],
      ["with an empty value", ""],
      ["with a token and more", "Bearer abc def"],
      ["with a token that no session has", `Bearer ${"A".repeat(43)}`],
    ])("is rejected %s, also on public routes", async (_, header) => {
      const { client } = await open();
      const visitor = client({ Authorization: header });
      for (const path of [...PUBLIC, "/v1/sessions"]) {
        const reply = await visitor.get(path);
        expect(problemOf(reply)).toBe("401 invalid_session");
        expect(reply.headers.get("WWW-Authenticate")).toBe('Bearer realm="quire", error="invalid_token"');
      }
    });

    it("accepts the scheme in any case", async () => {
      const { author, client } = await open();
      const { token } = await author();
      for (const scheme of ["bearer", "BEARER"]) {
        expect((await client({ Authorization: `${scheme} ${token}` }).get("/v1/sessions")).status).toBe(200);
      }
    });

    it("is ignored by log-in and health checks", async () => {
      const { author, client } = await open();
      const { email } = await author();
      const visitor = client({ Authorization: "Bearer nonsense" });
      expect((await visitor.post("/v1/sessions", { email, password: PASSWORD })).status).toBe(201);
      expect((await visitor.get("/health/ready")).status).toBe(200);
    });
  });
}
