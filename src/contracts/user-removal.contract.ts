import { err, ok } from "neverthrow";
import { beforeEach, describe, expect, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import { fail } from "../domain/shared/fail.ts";
import type { UserId } from "../domain/shared/id.ts";
import { editPost } from "../domain/post/post.ts";
import { changeUser, type User } from "../domain/user/user.ts";
import type { PostsFate } from "../domain/user/user-removal.ts";
import { nextVersion } from "../domain/shared/version.ts";
import {
  aSession,
  aDraft,
  ANY_BATCH,
  aPublishedPost,
  aRecord,
  aUser,
  content,
  EVERY_DRAFT,
  LATER,
  name,
  nextId,
} from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";

const KEEP: PostsFate = { kind: "keep" };
const DELETE: PostsFate = { kind: "delete" };
const to = (user: User): PostsFate => ({ kind: "reassign", to: user.id });
const NOT_FOUND = err({ kind: "user_not_found" });

export function userRemovalContract(adapter: StorageUnderTest): void {
  describe(`requestRemoval on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let ada: User;
    let grace: User;

    beforeEach(async () => {
      storage = await emptied();
      [ada, grace] = [aUser(), aUser()];
      for (const user of [ada, grace]) (await storage.users.insert(user))._unsafeUnwrap();
    });

    const removalOf = ({ id, version }: User, posts: PostsFate) => ({ userId: id, version, posts, requestedAt: LATER });
    const request = async (user: User, posts: PostsFate) =>
      storage.unitOfWork.run(async ({ users }) => users.requestRemoval(removalOf(user, posts)));
    const requested = async (user: User, posts: PostsFate) => (await request(user, posts))._unsafeUnwrap();
    const fateOf = async ({ id }: User) => (await storage.users.findRemoval(id))._unsafeUnwrap()?.posts ?? null;
    const written = async (author: User) => {
      const post = aDraft(author.id);
      (await storage.posts.insert(post))._unsafeUnwrap();
      return post;
    };

    it("hides the user immediately from every read and write", async () => {
      await requested(ada, DELETE);
      const { users } = storage;
      expect(await users.findById(ada.id)).toEqual(NOT_FOUND);
      expect(await users.findByEmail(ada.email)).toEqual(NOT_FOUND);
      expect((await users.list("everybody", { limit: 10, from: null }))._unsafeUnwrap().items).toEqual([grace]);
      const renamed = changeUser(ada, { name: name("Eve") }, LATER);
      expect(await users.update(renamed, ada.version)).toEqual(NOT_FOUND);
    });

    it("rejects the removal of the last admin, also when two admins are removed concurrently", async () => {
      const admins = [aUser({ role: "admin" }), aUser({ role: "admin" })];
      for (const admin of admins) (await storage.users.insert(admin))._unsafeUnwrap();
      const outcomes = await Promise.all(admins.map(async (admin) => request(admin, KEEP)));
      expect(outcomes.filter((outcome) => outcome.isOk())).toHaveLength(1);
      expect(outcomes.find((outcome) => outcome.isErr())).toEqual(err({ kind: "last_admin" }));
      expect(await storage.users.hasAdmin()).toEqual(ok(true));
      const gone = admins.find((_, index) => outcomes[index]?.isOk());
      expect(await storage.users.hasAdmin(gone?.id)).toEqual(ok(true));
      // The row of a removed admin no longer counts as an admin.
      expect(await storage.users.delete(gone?.id ?? nextId(), ada.version)).toEqual(ok());
    });

    it("fills the pages of published authors without the removed user, whose posts are still published", async () => {
      const authors = [aUser(), aUser(), aUser()] as const;
      for (const author of authors) {
        (await storage.users.insert(author))._unsafeUnwrap();
        (await storage.posts.insert(aPublishedPost(author.id)))._unsafeUnwrap();
      }
      await requested(authors[1], DELETE);
      const first = (await storage.users.list("published_authors", { limit: 1, from: null }))._unsafeUnwrap();
      expect(first.items).toEqual([authors[2]]);
      const second = (await storage.users.list("published_authors", { limit: 1, from: first.next }))._unsafeUnwrap();
      expect(second.items).toEqual([authors[0]]);
      expect(second.next).toBeNull();
    });

    it("releases the address immediately", async () => {
      await requested(ada, DELETE);
      const successor = aUser({ email: ada.email });
      expect(await storage.users.insert(successor)).toEqual(ok());
      expect(await storage.users.findByEmail(ada.email)).toEqual(ok(successor));
    });

    it("rejects later inserts for the user", async () => {
      await requested(ada, DELETE);
      expect(await storage.posts.insert(aDraft(ada.id))).toEqual(err({ kind: "author_not_found" }));
      const record = aRecord(ada.id);
      const { idempotencyKeys } = storage;
      expect(await idempotencyKeys.insert(record, "always")).toEqual(NOT_FOUND);
      const both = await storage.posts.insert({ post: aDraft(ada.id), record });
      expect(both).toEqual(err({ kind: "author_not_found" }));
      for (const version of [ada.version, nextVersion(ada.version)])
        expect(await storage.sessions.insert(aSession(ada.id), version)).toEqual(NOT_FOUND);
    });

    it("keeps the posts readable and writable until they are deleted or reassigned", async () => {
      const post = await written(ada);
      await requested(ada, DELETE);
      expect(await storage.posts.findById(post.id, EVERY_DRAFT)).toEqual(ok(post));
      const edited = editPost(post, { content: content("Longer than it was before") }, LATER)._unsafeUnwrap();
      expect(await storage.posts.update(edited, post.version)).toEqual(ok());
    });

    it.each([
      ["with a stale version", { version: nextVersion(aUser().version) }, "version_conflict"],
      ["with an unknown id", { id: nextId<UserId>() }, "user_not_found"],
    ])("rejects a user %s, and changes nothing", async (_, fields, kind) => {
      await written(ada);
      const refused = await request({ ...ada, ...fields }, DELETE);
      expect(refused).toEqual(err({ kind }));
      expect(await storage.users.findById(ada.id)).toEqual(ok(ada));
      expect((await storage.posts.insert(aDraft(ada.id))).isOk()).toBe(true);
    });

    it("returns user_not_found for a second request", async () => {
      await requested(ada, DELETE);
      expect(await request(ada, KEEP)).toEqual(NOT_FOUND);
      expect(await fateOf(ada)).toEqual(DELETE);
    });

    it("rejects a user with posts when the request does not delete or reassign them", async () => {
      await written(ada);
      expect(await request(ada, KEEP)).toEqual(err({ kind: "user_has_posts" }));
      expect(await storage.users.findById(ada.id)).toEqual(ok(ada));
    });

    it("rejects a user with pending reassigned posts when the request does not delete or reassign them", async () => {
      await written(ada);
      await requested(ada, to(grace));
      expect(await request(grace, KEEP)).toEqual(err({ kind: "user_has_posts" }));
    });

    it.each(["an unknown user", "a removed user"])("rejects a reassignment to %s", async (heir) => {
      await written(ada);
      if (heir === "a removed user") await requested(grace, DELETE);
      const posts: PostsFate = heir === "an unknown user" ? { kind: "reassign", to: nextId<UserId>() } : to(grace);
      expect(await request(ada, posts)).toEqual(err({ kind: "author_not_found" }));
      expect(await storage.users.findById(ada.id)).toEqual(ok(ada));
    });

    it("applies to the posts of pending reassignments to the user", async () => {
      const eve = aUser();
      (await storage.users.insert(eve))._unsafeUnwrap();
      await requested(ada, to(grace));
      await requested(grace, to(eve));
      expect([await fateOf(ada), await fateOf(grace)]).toEqual([to(eve), to(eve)]);
      await requested(eve, DELETE);
      expect([await fateOf(ada), await fateOf(grace), await fateOf(eve)]).toEqual([DELETE, DELETE, DELETE]);
    });

    it("is rolled back with its unit of work", async () => {
      await storage.unitOfWork.run(async ({ users }) => {
        (await users.requestRemoval(removalOf(ada, DELETE)))._unsafeUnwrap();
        return fail({ kind: "changed_my_mind" });
      });
      expect(await fateOf(ada)).toBeNull();
      expect(await storage.users.findById(ada.id)).toEqual(ok(ada));
      expect((await storage.posts.insert(aDraft(ada.id))).isOk()).toBe(true);
    });

    it("is listed by listRemovals until the user is deleted, oldest first", async () => {
      await requested(ada, DELETE);
      await storage.unitOfWork.run(async ({ users }) =>
        users.requestRemoval({ ...removalOf(grace, KEEP), requestedAt: new Date(LATER.getTime() + 1) }),
      );
      const list = async (most: number) => (await storage.users.listRemovals(most))._unsafeUnwrap();
      expect(await list(1)).toEqual([removalOf(ada, DELETE)]);
      expect((await list(10)).map(({ userId }) => userId)).toEqual([ada.id, grace.id]);
      expect(await storage.users.delete(ada.id, ada.version)).toEqual(ok());
      expect((await list(10)).map(({ userId }) => userId)).toEqual([grace.id]);
      expect(await fateOf(ada)).toBeNull();
    });

    it("allows the delete of the user only after the posts of the user are gone", async () => {
      await written(ada);
      await requested(ada, DELETE);
      expect(await storage.users.delete(ada.id, ada.version)).toEqual(err({ kind: "user_has_posts" }));
      (await storage.posts.deleteByAuthor(ada.id, ANY_BATCH, null))._unsafeUnwrap();
      expect(await storage.users.delete(ada.id, ada.version)).toEqual(ok());
    });

    it("accepts exactly one of a concurrent removal and insert of a post", async () => {
      const [inserted, removed] = await Promise.all([storage.posts.insert(aDraft(ada.id)), request(ada, KEEP)]);
      expect(inserted.isOk()).toBe(removed.isErr());
      if (removed.isErr()) expect(removed.error.kind).toBe("user_has_posts");
    });
  });
}
