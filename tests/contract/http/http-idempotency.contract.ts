import { describe, expect, it } from "vitest";
import { problemOf, type LogInBody, type OpenRemoteApi, type Reply } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { DAY_MS } from "../../../src/testing/fixtures.ts";
import { aKey, countPosts, idOf, isReplayed, POST, replayable } from "./replays.ts";

const tokenOf = ({ body }: Reply) => (body as LogInBody).token;

export function httpIdempotencyContract(open: OpenRemoteApi) {
  describe("Idempotency-Key", () => {
    it("repeats the first response to POST /v1/posts and writes nothing", async () => {
      const { author } = await open();
      const ada = await author();
      const key = aKey();
      const first = await ada.post("/v1/posts", POST, key);
      const again = [await ada.post("/v1/posts", POST, key), await ada.post("/v1/posts", POST, key)];
      expect(first.status).toBe(201);
      expect(isReplayed(first)).toBe(false);
      expect(again.map(replayable)).toEqual([replayable(first), replayable(first)]);
      expect(again.map(isReplayed)).toEqual([true, true]);
      expect(await countPosts(ada)).toBe(1);
    });

    it("repeats the first response to publish and unpublish after the post has changed or is deleted", async () => {
      const { author } = await open();
      const ada = await author();
      const { id } = await ada.write();
      const [publishing, unpublishing] = [aKey(), aKey()];
      const published = await ada.post(`/v1/posts/${id}/publish`, undefined, publishing);
      expect(replayable(await ada.post(`/v1/posts/${id}/publish`, undefined, publishing))).toEqual(
        replayable(published),
      );
      const unpublished = await ada.post(`/v1/posts/${id}/unpublish`, undefined, unpublishing);
      expect(replayable(await ada.post(`/v1/posts/${id}/unpublish`, undefined, unpublishing))).toEqual(
        replayable(unpublished),
      );
      await ada.delete(`/v1/posts/${id}`);
      expect(replayable(await ada.post(`/v1/posts/${id}/publish`, undefined, publishing))).toEqual(
        replayable(published),
      );
      expect([published.status, unpublished.status]).toEqual([200, 200]);
    });

    it("repeats the first response to a registration instead of 409 email_taken", async () => {
      const { nobody } = await open();
      const [key, user] = [aKey(), { name: "Ada", email: "once@example.org", password: PASSWORD }];
      const first = await nobody.post("/v1/users", user, key);
      expect(first.status).toBe(201);
      expect(replayable(await nobody.post("/v1/users", user, key))).toEqual(replayable(first));
      expect(problemOf(await nobody.post("/v1/users", user, aKey()))).toBe("409 email_taken");
    });

    it("repeats the first response to a log-in while its session is active", async () => {
      const { nobody, author, client } = await open();
      const ada = await author();
      const [key, credentials] = [aKey(), { email: ada.email, password: PASSWORD }];
      const first = await nobody.post("/v1/sessions", credentials, key);
      const again = await nobody.post("/v1/sessions", credentials, key);
      expect(replayable(again)).toEqual(replayable(first));
      expect((await ada.get("/v1/sessions")).body).toMatchObject({ items: { length: 2 } });
      expect((await client({ Authorization: `Bearer ${tokenOf(again)}` }).delete("/v1/sessions")).status).toBe(204);
      expect(problemOf(await nobody.post("/v1/sessions", credentials, key))).toBe("401 invalid_session");
      expect((await ada.get("/v1/sessions")).body).toMatchObject({ items: { length: 1 } });
    });

    it("rejects a repeated log-in with 401 after the password has changed", async () => {
      const { nobody, author, client } = await open();
      const ada = await author();
      const [key, credentials] = [aKey(), { email: ada.email, password: PASSWORD }];
      const own = client({ Authorization: `Bearer ${tokenOf(await nobody.post("/v1/sessions", credentials, key))}` });
      const change = { currentPassword: PASSWORD, newPassword: "another horse" };
      expect((await own.put(`${ada.path}/password`, change)).status).toBe(204);
      expect(problemOf(await nobody.post("/v1/sessions", credentials, key))).toBe("401 invalid_credentials");
    });

    it.each([
      ["another body", "/v1/posts", { ...POST, title: "Twice" }],
      ["a body that differs by one space", "/v1/posts", `${JSON.stringify(POST)} `],
      ["another path", "/v1/posts/%/publish", undefined],
    ])("rejects a used key with %s with 422 and writes nothing", async (_, path, body) => {
      const { author } = await open();
      const ada = await author();
      const key = aKey();
      const { id } = (await ada.post("/v1/posts", POST, key)).body as { id: string };
      const raw = typeof body === "string" ? { raw: body } : body === undefined ? {} : { json: body };
      const headers = { ...key, ...(typeof body === "string" ? { "Content-Type": "application/json" } : {}) };
      const refused = await ada.call("POST", path.replace("%", id), { ...raw, headers });
      expect(problemOf(refused)).toBe("422 idempotency_key_reused");
      expect(await countPosts(ada)).toBe(1);
    });

    it("belongs to one user: two users may use the same key", async () => {
      const { author } = await open();
      const [ada, grace] = [await author(), await author()];
      const key = aKey();
      const [hers, others] = [await ada.post("/v1/posts", POST, key), await grace.post("/v1/posts", POST, key)];
      expect([hers.status, others.status]).toEqual([201, 201]);
      expect(isReplayed(others)).toBe(false);
      expect(idOf(others)).not.toBe(idOf(hers));
    });

    it("is shared by all sessions of a user", async () => {
      const { author, logIn } = await open();
      const ada = await author();
      const key = aKey();
      const first = await ada.post("/v1/posts", POST, key);
      expect(replayable(await (await logIn(ada.email)).post("/v1/posts", POST, key))).toEqual(replayable(first));
    });

    it("belongs to the operation in requests without a session", async () => {
      const { nobody } = await open();
      const key = aKey();
      const user = { name: "Ada", email: "anybody@example.org", password: PASSWORD };
      expect((await nobody.post("/v1/users", user, key)).status).toBe(201);
      expect((await nobody.post("/v1/sessions", { email: user.email, password: PASSWORD }, key)).status).toBe(201);
      const other = { ...user, email: "other@example.org" };
      expect(problemOf(await nobody.post("/v1/users", other, key))).toBe("422 idempotency_key_reused");
    });

    it("is replayed for 24 hours and counts as new afterwards", async () => {
      const { author, clock } = await open();
      const ada = await author();
      const key = aKey();
      const first = await ada.post("/v1/posts", POST, key);
      clock.advance(DAY_MS - 1);
      expect(idOf(await ada.post("/v1/posts", POST, key))).toBe(idOf(first));
      clock.advance(1);
      const second = await ada.post("/v1/posts", { ...POST, title: "Tomorrow" }, key);
      expect(second.status).toBe(201);
      expect(isReplayed(second)).toBe(false);
      expect(replayable(await ada.post("/v1/posts", { ...POST, title: "Tomorrow" }, key))).toEqual(replayable(second));
    });

    it("stores no error: a request that failed runs again", async () => {
      const { author } = await open();
      const ada = await author();
      const { id } = await ada.write({ content: "" });
      const key = aKey();
      const publish = async () => ada.post(`/v1/posts/${id}/publish`, undefined, key);
      expect(problemOf(await publish())).toBe("422 content_required");
      await ada.patch(`/v1/posts/${id}`, { content: "Something" });
      expect((await publish()).status).toBe(200);
      expect(isReplayed(await publish())).toBe(true);
    });

    it("belongs to the admin who creates a user with it, and is not replayed to others", async () => {
      const { nobody, admin, logIn } = await open();
      const [root, other, key] = [await admin(), await admin(), aKey()];
      const user = { name: "Ada", email: "created@example.org", password: PASSWORD, role: "author" };
      const first = await root.post("/v1/users", user, key);
      expect(first.status).toBe(201);
      const again = await root.post("/v1/users", user, key);
      expect([replayable(again), isReplayed(again)]).toEqual([replayable(first), true]);
      expect(problemOf(await other.post("/v1/users", user, key))).toBe("409 email_taken");
      expect(problemOf(await nobody.post("/v1/users", user, key))).toBe("403 forbidden");
      // The record belongs to the admin of the request and survives the created user.
      expect((await (await logIn(user.email)).leave()).status).toBe(204);
      expect(isReplayed(await root.post("/v1/users", user, key))).toBe(true);
    });

    it("rejects a repeated creation of a user with 403 after its admin was demoted", async () => {
      const { admin } = await open();
      const [root, former, key] = [await admin(), await admin(), aKey()];
      const user = { name: "Ada", email: "created@example.org", password: PASSWORD, role: "author" };
      expect((await former.post("/v1/users", user, key)).status).toBe(201);
      await root.patch(former.path, { role: "author" });
      expect(problemOf(await former.post("/v1/users", user, key))).toBe("403 forbidden");
    });

    it("is deleted with its user", async () => {
      const { nobody, logIn } = await open();
      const [key, user] = [aKey(), { name: "Ada", email: "going@example.org", password: PASSWORD }];
      const first = await nobody.post("/v1/users", user, key);
      const ada = await logIn(user.email);
      expect((await ada.leave()).status).toBe(204);
      const second = await nobody.post("/v1/users", user, key);
      expect(second.status).toBe(201);
      expect(idOf(second)).not.toBe(idOf(first));
    });
  });
}
