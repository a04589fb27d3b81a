import { ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { UnitOfWork } from "../../../src/application/ports/unit-of-work.ts";
import { fail } from "../../../src/domain/shared/fail.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { openApi, problemOf, type LogInBody, type OpenApi, type Reply } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { DAY_MS } from "../../../src/testing/fixtures.ts";
import { countPosts, idOf, POST, replayable } from "./replays.ts";

const aKey = () => ({ "Idempotency-Key": `"${crypto.randomUUID()}"` });

const isReplayed = ({ headers }: Reply) => headers.get("Idempotency-Replayed") === "true";
const tokenOf = ({ body }: Reply) => (body as LogInBody).token;

export function httpIdempotencyContract(open: OpenApi, openStorage: () => Promise<Storage>) {
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

    it("is replayed by every server on the same storage, also after a restart", async () => {
      const storage = await openStorage();
      const before = openApi(storage);
      const ada = await before.author();
      const key = aKey();
      const first = await ada.post("/v1/posts", POST, key);
      const after = openApi(storage).client({ Authorization: `Bearer ${ada.token}` });
      const again = await after.post("/v1/posts", POST, key);
      expect(replayable(again)).toEqual(replayable(first));
      expect(isReplayed(again)).toBe(true);
    });

    it.each(["one server", "two servers"])(
      "runs once when %s receives the same key many times concurrently",
      async (servers) => {
        const storage = await openStorage();
        const ada = await openApi(storage).author();
        const identity = { Authorization: `Bearer ${ada.token}` };
        const apis = Array.from({ length: servers === "one server" ? 1 : 2 }, () => openApi(storage).client(identity));
        const key = aKey();
        const sent = Array.from({ length: 10 }, async (_, n) => apis[n % apis.length]?.post("/v1/posts", POST, key));
        const replies = (await Promise.all(sent)).filter((reply) => reply !== undefined);
        const refused = replies.filter(({ status }) => status !== 201);
        expect(new Set(refused.map(problemOf))).toEqual(new Set(refused.map(() => "409 idempotency_key_in_use")));
        expect(new Set(replies.filter(({ status }) => status === 201).map(idOf)).size).toBe(1);
        expect(replies.filter((reply) => reply.status === 201 && !isReplayed(reply))).toHaveLength(1);
        expect(await countPosts(ada)).toBe(1);
      },
    );

    it.each([
      ["has completed the same request", true],
      ["has used the key for another request", false],
    ])("rolls back the write when another server %s since the key was claimed", async (_, isSame) => {
      const storage = await openStorage();
      const ada = await openApi(storage).author();
      const [key, { id }] = [aKey(), await ada.write()];
      const faster = await (isSame
        ? ada.post(`/v1/posts/${id}/publish`, undefined, key)
        : ada.post("/v1/posts", POST, key));
      const slow = openApi(storage, { unitOfWork: claimingAll(storage.unitOfWork) });
      const own = slow.client({ Authorization: `Bearer ${ada.token}` });
      const reply = await own.post(`/v1/posts/${id}/publish`, undefined, key);
      if (isSame) expect(replayable(reply)).toEqual(replayable(faster));
      else expect(problemOf(reply)).toBe("422 idempotency_key_reused");
      expect(isReplayed(reply)).toBe(isSame);
      expect((await ada.get(`/v1/posts/${id}`)).body).toMatchObject({ version: isSame ? 2 : 1 });
    });

    it("publishes once when two servers receive the same key concurrently, and both send the same response", async () => {
      const storage = await openStorage();
      const ada = await openApi(storage).author();
      const servers = [openApi(storage), openApi(storage)].map(({ client }) =>
        client({ Authorization: `Bearer ${ada.token}` }),
      );
      for (let round = 0; round < 5; round++) {
        const { id } = await ada.write();
        const key = aKey();
        const sent = servers.map(async (server) => {
          for (;;) {
            const reply = await server.post(`/v1/posts/${id}/publish`, undefined, key);
            if (reply.status !== 409) return reply;
            expect(problemOf(reply)).toBe("409 idempotency_key_in_use");
          }
        });
        const [one, other] = (await Promise.all(sent)).map(replayable);
        expect(one).toMatchObject({ status: 200 });
        expect(other).toEqual(one);
      }
    });

    describe.each(["/v1/posts", "/v1/posts/%/publish"])("of POST %s", (template) => {
      /** A client that repeats one request. `around` wraps the server's writes with keys. */
      async function repeater(around: Around) {
        const storage = await openStorage();
        const ada = await openApi(storage).author();
        const { id } = await ada.write();
        const own = openApi(storage, around(storage)).client({ Authorization: `Bearer ${ada.token}` });
        const body = template === "/v1/posts" ? POST : undefined;
        const [path, key] = [template.replace("%", id), aKey()];
        const send = async () => own.post(path, body, key);
        /** Returns the sum of the versions of all posts. A request that runs once increments it by one. */
        const countVersions = async () => {
          const { items } = (await ada.get(`${ada.path}/posts`)).body as { items: readonly { version: number }[] };
          return items.reduce((sum, { version }) => sum + version, 0);
        };
        return { send, countVersions };
      }

      it("answers 409 with Retry-After while the first request with the key is running", async () => {
        let [enter, leave] = [() => {}, () => {}];
        const entered = new Promise<void>((settle) => (enter = settle));
        const left = new Promise<void>((settle) => (leave = settle));
        const { send } = await repeater(
          keyedWrites(async (write) => {
            enter();
            await left;
            return write();
          }),
        );
        const running = send();
        await entered;
        const refused = await send();
        expect(problemOf(refused)).toBe("409 idempotency_key_in_use");
        expect(refused.headers.get("Retry-After")).toBe("1");
        leave();
        const first = await running;
        expect(first.status).toBeLessThan(300);
        expect(replayable(await send())).toEqual(replayable(first));
      });

      it.each([
        ["was stored", true],
        ["was not stored", false],
      ])("makes the retry safe of a request whose write had an unknown outcome and %s", async (_, wasKept) => {
        let isAway = true;
        const losing = keyedWrites(async (write) => {
          if (!isAway) return write();
          if (wasKept) await write();
          return fail(LOST);
        });
        const { send, countVersions } = await repeater((storage) => {
          const { unitOfWork, posts } = losing(storage);
          const { idempotencyKeys } = storage;
          const find: typeof idempotencyKeys.find = async (digest) =>
            isAway && wasKept ? fail({ ...LOST, reason: "unavailable" }) : storage.idempotencyKeys.find(digest);
          return { unitOfWork, posts, idempotencyKeys: { ...idempotencyKeys, find } };
        });
        const lost = await send();
        expect(problemOf(lost)).toBe("503 outcome_unknown");
        expect((lost.body as { detail: string }).detail).toContain("Idempotency-Key");
        isAway = false;
        const repeated = await send();
        expect(repeated.status).toBeLessThan(300);
        expect(isReplayed(repeated)).toBe(wasKept);
        expect(await countVersions()).toBe(2);
      });

      it("sends the stored result when the acknowledgement of the write was lost", async () => {
        const { send, countVersions } = await repeater(
          keyedWrites(async (write) => {
            await write();
            return fail(LOST);
          }),
        );
        expect((await send()).status).toBeLessThan(300);
        expect(await countVersions()).toBe(2);
      });
    });
  });
}

const LOST = {
  kind: "storage_failure",
  reason: "outcome_unknown",
  isTransient: false,
  operation: "test",
  cause: null,
} as const;

type Around = (storage: Storage) => Pick<Storage, "unitOfWork" | "posts">;

/** A storage whose writes with a key go through `around`, in a unit of work or in one statement. */
function keyedWrites(
  around: <T, E>(write: () => Promise<Result<T, E | StorageFailure>>) => Promise<Result<T, E | StorageFailure>>,
): Around {
  return ({ unitOfWork, posts }) => ({
    unitOfWork: { run: async (work) => around(async () => unitOfWork.run(work)) },
    posts: { ...posts, insert: async (post) => around(async () => posts.insert(post)) },
  });
}

/** A unit of work that finds no replay record, as if the record of another server were not yet visible. */
function claimingAll(real: UnitOfWork): UnitOfWork {
  return {
    run: async (work) =>
      real.run(async (on) => work({ ...on, idempotencyKeys: { ...on.idempotencyKeys, claim: async () => ok() } })),
  };
}
