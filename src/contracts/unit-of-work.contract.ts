import { err, ok, type Result } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { Repositories } from "../application/ports/unit-of-work.ts";
import { fail } from "../domain/shared/fail.ts";
import type { UserId } from "../domain/shared/id.ts";
import { changeUser, type User } from "../domain/user/user.ts";
import { FIRST_VERSION } from "../domain/shared/version.ts";
import { ANY_BATCH, aDraft, aSession, aUser, email, EVERY_DRAFT, LATER, name, nextId } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import { skippedUnless, type StorageUnderTest } from "./storage-under-test.ts";
import { signal } from "./signal.ts";
import { withTransientRetry } from "./transient-retry.ts";

const insertInto = async ({ users }: Repositories, user: User) => (await users.insert(user))._unsafeUnwrap();

export function unitOfWorkContract(adapter: StorageUnderTest): void {
  const { abortsFailedTransactions, serialisesUnits, blocksOuterReads } = adapter.capabilities;
  describe(`UnitOfWork on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;

    beforeEach(async () => {
      storage = await emptied();
    });

    const stored = async (user: User = aUser()): Promise<User> => {
      (await storage.users.insert(user))._unsafeUnwrap();
      return user;
    };
    const exists = async (id: UserId): Promise<boolean> => (await storage.users.findById(id)).isOk();

    /**
     * Starts a unit, and resolves when the unit has inserted `user`. The unit ends when `end` is called. A storage may run
     * the work again, so the work returns the result of the repository instead of unwrapping it.
     */
    async function unitUnderWay(user: User, outcome: "ok" | "err") {
      const inserted = signal();
      const gate = signal();
      const running = withTransientRetry(async () =>
        storage.unitOfWork.run(async ({ users }): Promise<Result<void, { readonly kind: string }>> => {
          const insertion = await users.insert(user);
          inserted.send();
          await gate.sent;
          if (insertion.isErr()) return err(insertion.error);
          return outcome === "ok" ? ok() : fail({ kind: "changed_my_mind" });
        }),
      );
      await inserted.sent;
      const end = async () => {
        gate.send();
        return running;
      };
      return { end };
    }

    describe("when the work returns an ok", () => {
      it("returns the value of the ok", async () => {
        expect((await storage.unitOfWork.run(async () => ok({ answer: 42 })))._unsafeUnwrap()).toEqual({ answer: 42 });
      });

      it("commits the writes of every repository", async () => {
        const user = aUser();
        const [post, session] = [aDraft(user.id), aSession(user.id)];
        const result = await storage.unitOfWork.run(async ({ users, posts, sessions }) => {
          (await users.insert(user))._unsafeUnwrap();
          (await posts.insert(post))._unsafeUnwrap();
          (await sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
          return ok();
        });
        expect(result.isOk()).toBe(true);
        expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
        expect((await storage.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap()).toEqual(post);
        expect((await storage.sessions.findByTokenDigest(session.tokenDigest))._unsafeUnwrap()).toEqual(session);
      });

      it("lets the work read its own writes and earlier data", async () => {
        const before = await stored();
        const user = aUser();
        const seen = await storage.unitOfWork.run(async (repositories) => {
          await insertInto(repositories, user);
          return repositories.users.list("everybody", { limit: 10, from: null });
        });
        expect(seen._unsafeUnwrap().items).toEqual([user, before]);
      });

      it("commits a delete and an update", async () => {
        const [changing, leaving] = [await stored(), await stored()];
        const changed = changeUser(changing, { name: name("Grace") }, LATER);
        const result = await storage.unitOfWork.run(async ({ users }) => {
          (await users.update(changed, changing.version))._unsafeUnwrap();
          return users.delete(leaving.id, leaving.version);
        });
        expect(result.isOk()).toBe(true);
        expect((await storage.users.findById(changing.id))._unsafeUnwrap()).toEqual(changed);
        expect(await exists(leaving.id)).toBe(false);
      });

      it("makes its writes visible to the next unit", async () => {
        const user = aUser();
        (await storage.unitOfWork.run(async ({ users }) => users.insert(user)))._unsafeUnwrap();
        const result = await storage.unitOfWork.run(async ({ users }) => users.findById(user.id));
        expect(result._unsafeUnwrap()).toEqual(user);
      });

      it("does not share objects that the work has read", async () => {
        const user = await stored();
        const result = await storage.unitOfWork.run(async ({ users }) => users.findById(user.id));
        result._unsafeUnwrap().createdAt.setTime(0);
        expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
      });
    });

    describe("when the work makes several concurrent calls", () => {
      it("commits the writes of all calls", async () => {
        const author = await stored();
        const posts = Array.from({ length: 5 }, () => aDraft(author.id));
        const result = await storage.unitOfWork.run(async (on) => {
          const outcomes = await Promise.all(posts.map(async (post) => on.posts.insert(post)));
          return outcomes.find((outcome) => outcome.isErr()) ?? ok();
        });
        expect(result.isOk()).toBe(true);
        for (const { id } of posts) expect((await storage.posts.findById(id, EVERY_DRAFT)).isOk()).toBe(true);
      });

      it("returns its own result to each call, and rolls back when the work returns the err of one call", async () => {
        const author = await stored();
        const [kept, refused] = [aDraft(author.id), aDraft(nextId<UserId>())];
        // The storage may run the work again, so the last run counts.
        let seen: readonly Result<void, unknown>[] = [];
        const result = await storage.unitOfWork.run(async ({ posts }) => {
          const [first, second] = await Promise.all([posts.insert(kept), posts.insert(refused)]);
          seen = [first, second];
          return second;
        });
        expect(seen).toEqual([ok(), err({ kind: "author_not_found" })]);
        expect(result).toEqual(err({ kind: "author_not_found" }));
        expect((await storage.posts.findById(kept.id, EVERY_DRAFT)).isErr()).toBe(true);
      });
    });

    describe("when the work returns an err", () => {
      it("returns that err", async () => {
        const reason = { kind: "changed_my_mind", detail: ["as", "it", "is"] };
        const result = await storage.unitOfWork.run(async () => err(reason));
        expect(result._unsafeUnwrapErr()).toBe(reason);
      });

      it("rolls back the inserts of every repository", async () => {
        const user = aUser();
        const [post, session] = [aDraft(user.id), aSession(user.id)];
        const result = await storage.unitOfWork.run(async ({ users, posts, sessions }) => {
          (await users.insert(user))._unsafeUnwrap();
          (await posts.insert(post))._unsafeUnwrap();
          (await sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
          return fail({ kind: "changed_my_mind" });
        });
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "changed_my_mind" });
        expect(await exists(user.id)).toBe(false);
        expect((await storage.posts.findById(post.id, EVERY_DRAFT)).isErr()).toBe(true);
        expect((await storage.sessions.findByTokenDigest(session.tokenDigest)).isErr()).toBe(true);
      });

      it("rolls back updates, reassignments and deletes", async () => {
        const [user, heir] = [await stored(), await stored()];
        const [post, session] = [aDraft(user.id), aSession(user.id)];
        (await storage.posts.insert(post))._unsafeUnwrap();
        (await storage.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
        await storage.unitOfWork.run(async ({ users, posts }) => {
          (await posts.reassign(user.id, heir.id, LATER, ANY_BATCH, null))._unsafeUnwrap();
          (await users.update(changeUser(heir, { name: name("Grace") }, LATER), heir.version))._unsafeUnwrap();
          (await users.delete(user.id, user.version))._unsafeUnwrap();
          return fail({ kind: "changed_my_mind" });
        });
        expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
        expect((await storage.users.findById(heir.id))._unsafeUnwrap()).toEqual(heir);
        expect((await storage.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap()).toEqual(post);
        expect((await storage.sessions.findByTokenDigest(session.tokenDigest))._unsafeUnwrap()).toEqual(session);
      });

      it("rolls back when the err comes from a repository", async () => {
        const taken = await stored();
        const user = aUser();
        const result = await storage.unitOfWork.run(async (repositories) => {
          await insertInto(repositories, user);
          return repositories.users.insert(aUser({ email: taken.email }));
        });
        expect(result._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
        expect(await exists(user.id)).toBe(false);
      });

      it("releases the addresses that the work has inserted", async () => {
        const address = email("ada@example.org");
        await storage.unitOfWork.run(async (repositories) => {
          await insertInto(repositories, aUser({ email: address }));
          return fail({ kind: "changed_my_mind" });
        });
        expect((await storage.users.findByEmail(address)).isErr()).toBe(true);
        expect((await storage.users.insert(aUser({ email: address }))).isOk()).toBe(true);
      });
    });

    describe("when the work throws", () => {
      const exceptions: readonly (readonly [string, unknown])[] = [
        ["an exception", new TypeError("A defect")],
        ["an exception with an error code of Node.js", Object.assign(new Error("No such file"), { code: "ENOENT" })],
        [
          "an exception with a cause that has a code",
          new Error("A defect", { cause: Object.assign(new Error(), { code: "E" }) }),
        ],
        ["a string instead of an exception", "a string"],
      ];

      it.each(exceptions)("rolls back and rejects with %s", async (_, thrown) => {
        const user = aUser();
        const running = storage.unitOfWork.run(async (repositories) => {
          await insertInto(repositories, user);
          throw thrown;
        });
        await expect(running).rejects.toBe(thrown);
        expect(await exists(user.id)).toBe(false);
      });

      it("runs the next unit and the next call", async () => {
        const running = storage.unitOfWork.run(async () => {
          throw new Error("A defect");
        });
        await expect(running).rejects.toThrow("A defect");
        const [first, second] = [aUser(), aUser()];
        expect((await storage.unitOfWork.run(async ({ users }) => users.insert(first))).isOk()).toBe(true);
        expect((await storage.users.insert(second)).isOk()).toBe(true);
        expect([await exists(first.id), await exists(second.id)]).toEqual([true, true]);
      });
    });

    const whyNoAbort = skippedUnless(
      abortsFailedTransactions,
      "a rejected statement writes nothing, so it does not abort the transaction",
    );
    describe.runIf(abortsFailedTransactions)(`when a statement of the work has failed${whyNoAbort}`, () => {
      it("rolls back and rejects even if the work returns an ok", async () => {
        const taken = await stored();
        const user = aUser();
        const running = storage.unitOfWork.run(async (repositories) => {
          await insertInto(repositories, user);
          const refused = await repositories.users.insert(aUser({ email: taken.email }));
          expect(refused._unsafeUnwrapErr()).toEqual({ kind: "email_taken" });
          return ok();
        });
        await expect(running).rejects.toThrow();
        expect(await exists(user.id)).toBe(false);
      });

      it("rolls back and rejects even if the work catches the exception of a later statement", async () => {
        const taken = await stored();
        const user = aUser();
        const running = storage.unitOfWork.run(async (repositories) => {
          await repositories.users.insert(aUser({ email: taken.email }));
          await repositories.users.insert(user).catch(() => undefined);
          return ok();
        });
        await expect(running).rejects.toThrow();
        expect(await exists(user.id)).toBe(false);
      });

      it("does not affect the next unit", async () => {
        const taken = await stored();
        await storage.unitOfWork.run(async ({ users }) => users.insert(aUser({ email: taken.email })));
        await storage.users.insert(aUser({ email: taken.email }));
        const user = aUser();
        expect((await storage.unitOfWork.run(async ({ users }) => users.insert(user))).isOk()).toBe(true);
        expect(await exists(user.id)).toBe(true);
      });
    });

    describe("with concurrent units and calls", () => {
      it("hides the writes of a unit that ends with an err from outer reads", async () => {
        const user = aUser();
        const { end } = await unitUnderWay(user, "err");
        const meanwhile = storage.users.findById(user.id);
        const listed = storage.users.list("everybody", { limit: 10, from: null });
        await end();
        expect((await meanwhile)._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
        expect((await listed)._unsafeUnwrap().items).toEqual([]);
      });

      const whyNoSnapshot = skippedUnless(!blocksOuterReads, "outer reads wait for the end of the unit");
      it.skipIf(blocksOuterReads)(
        `answers an outer read with the data from before the unit${whyNoSnapshot}`,
        async () => {
          const user = aUser();
          const { end } = await unitUnderWay(user, "ok");
          expect((await storage.users.findById(user.id))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
          await end();
          expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
        },
      );

      const whyNoWait = skippedUnless(blocksOuterReads, "outer reads do not wait for the end of the unit");
      it.runIf(blocksOuterReads)(`answers an outer read after the end of the unit${whyNoWait}`, async () => {
        const user = aUser();
        const { end } = await unitUnderWay(user, "ok");
        const events: string[] = [];
        const meanwhile = storage.users.findById(user.id).then((result) => {
          events.push("answered");
          return result;
        });
        // A storage that does not wait would answer during this turn of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        events.push("ending");
        await end();
        expect((await meanwhile)._unsafeUnwrap()).toEqual(user);
        expect(events).toEqual(["ending", "answered"]);
      });

      it("loses no outer write that runs during a unit", async () => {
        const [inside, outside] = [aUser(), aUser()];
        const { end } = await unitUnderWay(inside, "ok");
        const meanwhile = withTransientRetry(async () => storage.users.insert(outside));
        expect((await end()).isOk()).toBe(true);
        expect((await meanwhile).isOk()).toBe(true);
        expect([await exists(inside.id), await exists(outside.id)]).toEqual([true, true]);
      });

      it("accepts exactly one of a unit and a conflicting outer write", async () => {
        const inside = aUser();
        const outside = aUser({ email: inside.email });
        const { end } = await unitUnderWay(inside, "ok");
        const meanwhile = withTransientRetry(async () => storage.users.insert(outside));
        const outcomes = [await end(), await meanwhile];
        expect(outcomes.filter((outcome) => outcome.isOk())).toHaveLength(1);
        expect(outcomes.find((outcome) => outcome.isErr())).toEqual(err({ kind: "email_taken" }));
        expect([await exists(inside.id), await exists(outside.id)]).toEqual(outcomes.map((outcome) => outcome.isOk()));
      });

      it("loses no update of concurrent units that read, change and write one user", async () => {
        const user = await stored();
        const renamed = async (n: number) =>
          withTransientRetry(async () =>
            storage.unitOfWork.run(async ({ users }): Promise<Result<void, { readonly kind: string }>> => {
              const found = await users.findById(user.id);
              if (found.isErr()) return err(found.error);
              const renaming = changeUser(found.value, { name: name(`${found.value.name} ${n}`) }, LATER);
              return users.update(renaming, found.value.version);
            }),
          );
        const results = await Promise.all(Array.from({ length: 10 }, async (_, n) => renamed(n)));
        const changed = (await storage.users.findById(user.id))._unsafeUnwrap();
        const kept = results.flatMap((result, n) => (result.isOk() ? [String(n)] : []));
        expect(changed.name.split(" ").slice(1).toSorted()).toEqual(kept);
        expect(changed.version).toBe(FIRST_VERSION + kept.length);
        // Concurrent units read the same version, and all but the first get a version conflict.
        const late = results.flatMap((result) => (result.isErr() ? [result.error] : []));
        expect(late).toEqual(late.map(() => ({ kind: "version_conflict" })));
        if (serialisesUnits) expect(late).toEqual([]);
        else expect(kept.length).toBeGreaterThan(0);
      });

      it("isolates a unit that fails from a concurrent unit that succeeds", async () => {
        const [failing, keeping] = [aUser(), aUser()];
        const [failed, kept] = await Promise.all([
          storage.unitOfWork.run(async ({ users }) => {
            await users.insert(failing);
            return fail({ kind: "changed_my_mind" });
          }),
          withTransientRetry(async () => storage.unitOfWork.run(async ({ users }) => users.insert(keeping))),
        ]);
        expect([failed.isErr(), kept.isOk()]).toEqual([true, true]);
        expect([await exists(failing.id), await exists(keeping.id)]).toEqual([false, true]);
      });
    });
  });
}
