import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import { publishPost } from "../domain/post/post.ts";
import { changeUser } from "../domain/user/user.ts";
import { aDraft, aRecord, aSession, aUser, EVERY_DRAFT, LATER, name } from "../testing/fixtures.ts";
import { skippedUnless, type OpenedStorage, type StorageUnderTest } from "./storage-under-test.ts";
import { FIRST_VERSION } from "../domain/shared/version.ts";

/** Acknowledged writes survive a close and reopen of the storage. */
export function persistenceContract(adapter: StorageUnderTest): void {
  const { durability } = adapter.capabilities;
  const isDurable = durability !== "none";
  const why = skippedUnless(isDurable, "a storage in memory is not durable");
  describe.runIf(isDurable)(`Persistence on ${adapter.name}${why}`, () => {
    let opened: OpenedStorage;
    let before: Storage;

    beforeAll(async () => {
      opened = await adapter.open();
      before = await opened.empty();
    });
    afterAll(async () => opened.close());

    it("keeps users, posts, sessions, replay records, updates and deletes", async () => {
      const [user, leaving] = [aUser(), aUser()];
      const [post, session, record] = [aDraft(user.id), aSession(user.id), aRecord(user.id)];
      for (const each of [user, leaving]) (await before.users.insert(each))._unsafeUnwrap();
      (await before.posts.insert(post))._unsafeUnwrap();
      (await before.sessions.insert(session, FIRST_VERSION))._unsafeUnwrap();
      (await before.idempotencyKeys.insert(record, "within_quota"))._unsafeUnwrap();
      const renamed = changeUser(user, { name: name("Grace") }, LATER);
      (await before.users.update(renamed, user.version))._unsafeUnwrap();
      const published = publishPost(post, LATER)._unsafeUnwrap();
      (await before.posts.update(published, post.version))._unsafeUnwrap();
      const removal = {
        userId: leaving.id,
        version: leaving.version,
        posts: { kind: "delete" },
        requestedAt: LATER,
      } as const;
      (await before.unitOfWork.run(async ({ users }) => users.requestRemoval(removal)))._unsafeUnwrap();

      const { users, posts, sessions, idempotencyKeys, probe } = await reopened();
      expect((await users.findById(user.id))._unsafeUnwrap()).toEqual(renamed);
      expect((await posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap()).toEqual(published);
      expect((await sessions.findByTokenDigest(session.tokenDigest))._unsafeUnwrap()).toEqual(session);
      expect((await idempotencyKeys.find(record.keyDigest))._unsafeUnwrap()).toEqual(record);
      expect((await users.findById(leaving.id))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
      expect((await users.findRemoval(leaving.id))._unsafeUnwrap()).toEqual(removal);
      expect((await users.insert(aUser())).isOk()).toBe(true);
      expect((await probe.check())._unsafeUnwrap()).toEqual({ durability, writable: true });
    });

    async function reopened(): Promise<Storage> {
      if (opened.reopen === undefined) throw new Error(`${adapter.name} is durable, so its test must open it again.`);
      return opened.reopen();
    }
  });
}
