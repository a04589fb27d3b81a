import { describe, expect, it } from "vitest";
import { DAY_MS, LATER, NOW } from "../../../src/testing/fixtures.ts";
import { nextLink, toPage, problemOf, type LogInBody, type OpenRemoteApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";

const LIFE_MS = 30 * DAY_MS;

const at = (ms: number) => new Date(NOW.getTime() + ms).toISOString();

export function httpSessionsContract(open: OpenRemoteApi) {
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
  });

  describe("The header Authorization", () => {
    it("compares tokens case-sensitively", async () => {
      const { author, client } = await open();
      const { token } = await author();
      const swapped = token.replace(/[a-z]/i, (letter) =>
        letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase(),
      );
      const reply = await client({ Authorization: `Bearer ${swapped}` }).get("/v1/sessions");
      expect(problemOf(reply)).toBe("401 invalid_session");
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
