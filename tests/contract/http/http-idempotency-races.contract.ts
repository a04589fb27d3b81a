import { ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { UnitOfWork } from "../../../src/application/ports/unit-of-work.ts";
import { fail } from "../../../src/domain/shared/fail.ts";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { openApi, problemOf } from "../../support/api.ts";
import { aKey, countPosts, idOf, isReplayed, POST, replayable } from "./replays.ts";

/** Servers that share a storage, and writes whose outcome is unknown. */
export function httpIdempotencyRacesContract(openStorage: () => Promise<Storage>) {
  describe("Idempotency-Key on several servers", () => {
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
