import { describe, expect, it } from "vitest";
import { DAY_MS, LATER, NOW, nextId } from "../../support/fixtures.ts";
import { fieldCodes, nextLink, toPage, PASSWORD, problemOf, type LogInBody, type OpenApi } from "../../support/api.ts";

const LIFE_MS = 30 * DAY_MS;

const at = (ms: number) => new Date(NOW.getTime() + ms).toISOString();

export function httpSessionsContract(open: OpenApi) {
  describe("POST /v1/sessions", () => {
    it("returns the session, a token of 256 bits and the whole user", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const reply = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      expect(reply.status).toBe(201);
      const { id } = reply.body as LogInBody;
      expect(reply.body).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        token: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) as string,
        expiresAt: at(LIFE_MS),
        user: owner.user,
      });
      expect(reply.headers.get("Location")).toBe(`/v1/sessions/${id}`);
      expect(reply.headers.get("Cache-Control")).toBe("no-store");
    });

    it("issues a different token for every session", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      const again = await logIn(owner.email);
      expect(again.token).not.toBe(owner.token);
      expect((await owner.get("/v1/sessions")).status).toBe(200);
      expect((await again.get("/v1/sessions")).status).toBe(200);
    });

    it("compares the address case-insensitively", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      expect((await logIn(owner.email.toUpperCase())).id).toBe(owner.id);
    });

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
    it("lists the user's own sessions newest first, marks the current one, and shows no token", async () => {
      const { author, logIn, clock } = await open();
      const owner = await author();
      await author();
      clock.set(LATER);
      const second = await logIn(owner.email);
      const sinceStart = LATER.getTime() - NOW.getTime();
      expect((await owner.get("/v1/sessions")).body).toEqual({
        items: [
          {
            id: second.sessionId,
            createdAt: LATER.toISOString(),
            lastUsedAt: LATER.toISOString(),
            expiresAt: at(sinceStart + LIFE_MS),
            current: false,
          },
          {
            id: owner.sessionId,
            createdAt: NOW.toISOString(),
            lastUsedAt: NOW.toISOString(),
            expiresAt: at(LIFE_MS),
            current: true,
          },
        ],
        nextCursor: null,
        previousCursor: null,
      });
    });

    it("sends Cache-Control: no-store", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.get("/v1/sessions")).headers.get("Cache-Control")).toBe("no-store");
    });

    it("paginates to the end", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      const second = await logIn(owner.email);
      const page = await owner.get("/v1/sessions?limit=1");
      expect(toPage(page).items.map(({ id }) => id)).toEqual([second.sessionId]);
      const last = await owner.get(nextLink(page) ?? "");
      expect(toPage(last).items.map(({ id }) => id)).toEqual([owner.sessionId]);
      expect(nextLink(last)).toBeNull();
    });

    it("answers 401 to a guest", async () => {
      const { nobody } = await open();
      expect(problemOf(await nobody.get("/v1/sessions"))).toBe("401 authentication_required");
    });
  });

  describe("DELETE /v1/sessions", () => {
    it("revokes the current session, and no other", async () => {
      const { author, logIn } = await open();
      const owner = await author();
      const elsewhere = await logIn(owner.email);
      expect((await owner.delete("/v1/sessions")).status).toBe(204);
      expect(problemOf(await owner.get("/v1/sessions"))).toBe("401 invalid_session");
      expect(toPage(await elsewhere.get("/v1/sessions")).items.map(({ id }) => id)).toEqual([elsewhere.sessionId]);
    });

    it("answers 401 to a guest and to a revoked session", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      await owner.delete("/v1/sessions");
      expect(problemOf(await owner.delete("/v1/sessions"))).toBe("401 invalid_session");
      expect(problemOf(await nobody.delete("/v1/sessions"))).toBe("401 authentication_required");
    });
  });

  describe("DELETE /v1/sessions/:id", () => {
    it("revokes another session of the user at the Location of its log-in", async () => {
      const { author, nobody, client } = await open();
      const owner = await author();
      const reply = await nobody.post("/v1/sessions", { email: owner.email, password: PASSWORD });
      const elsewhere = client({ Authorization: `Bearer ${(reply.body as LogInBody).token}` });
      expect((await owner.delete(reply.headers.get("Location") ?? "")).status).toBe(204);
      expect(problemOf(await elsewhere.get("/v1/sessions"))).toBe("401 invalid_session");
      expect((await owner.get("/v1/sessions")).status).toBe(200);
    });

    it("revokes the current session", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.delete(`/v1/sessions/${owner.sessionId}`)).status).toBe(204);
      expect(problemOf(await owner.get("/v1/sessions"))).toBe("401 invalid_session");
    });

    it("answers 404 for another user's session, also to admins, and does not revoke it", async () => {
      const { author, admin } = await open();
      const owner = await author();
      for (const other of [await author(), await admin()]) {
        expect(problemOf(await other.delete(`/v1/sessions/${owner.sessionId}`))).toBe("404 session_not_found");
      }
      expect((await owner.get("/v1/sessions")).status).toBe(200);
    });

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

    it("compares tokens case-sensitively", async () => {
      const { author, client } = await open();
      const { token } = await author();
      const swapped = token.replace(/[a-z]/i, (letter) =>
        letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
      );
      const reply = await client({ Authorization: `Bearer ${swapped}` }).get("/v1/sessions");
      expect(problemOf(reply)).toBe("401 invalid_session");
    });

    it("is ignored by log-in and health checks", async () => {
      const { author, client } = await open();
      const { email } = await author();
      const visitor = client({ Authorization: "Bearer nonsense" });
      expect((await visitor.post("/v1/sessions", { email, password: PASSWORD })).status).toBe(201);
      expect((await visitor.get("/health/ready")).status).toBe(200);
    });

    it("is rejected when the session has been idle for its maximum idle time", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.advance(LIFE_MS - 1);
      expect((await owner.get("/v1/sessions")).status).toBe(200);
      clock.advance(LIFE_MS);
      expect(problemOf(await owner.get("/v1/posts"))).toBe("401 invalid_session");
    });

    it("is rejected from expiresAt on", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.advance(LIFE_MS);
      expect(problemOf(await owner.get("/v1/posts"))).toBe("401 invalid_session");
    });

    it("extends the session by its use", async () => {
      const { author, clock } = await open();
      const owner = await author();
      clock.advance(DAY_MS);
      expect(toPage(await owner.get("/v1/sessions")).items).toEqual([
        {
          id: owner.sessionId,
          createdAt: NOW.toISOString(),
          lastUsedAt: at(DAY_MS),
          expiresAt: at(DAY_MS + LIFE_MS),
          current: true,
        },
      ]);
    });

    it("hides expired sessions from the list", async () => {
      const { author, logIn, clock } = await open();
      const owner = await author();
      clock.advance(LIFE_MS);
      const again = await logIn(owner.email);
      expect(toPage(await again.get("/v1/sessions")).items.map(({ id }) => id)).toEqual([again.sessionId]);
    });
  });
}
