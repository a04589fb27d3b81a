import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { DeleteUserInput } from "../../../src/application/users/delete-user.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { changeUser, type User } from "../../../src/domain/user/user.ts";
import type { PostsFate } from "../../../src/domain/user/user-removal.ts";
import { FIRST_VERSION, nextVersion } from "../../../src/domain/shared/version.ts";
import { actorFor, aUser, LATER, name, nextId } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  openQuire,
  OUTAGE,
  outage,
  PASSWORD,
  signIn,
  storedDraft,
  storedPublishedPost,
  type Overrides,
  type Quire,
} from "./support.ts";

const KEEP: PostsFate = { kind: "keep" };
const DELETE: PostsFate = { kind: "delete" };

/** Two users who each have posts and a session. */
async function openWithPosts(overrides: Overrides = {}) {
  const quire = await openQuire(overrides);
  const draft = await storedDraft(quire, quire.author);
  const published = await storedPublishedPost(quire, quire.author);
  const others = await storedDraft(quire, quire.otherAuthor);
  await signIn(quire, quire.author);
  const othersSession = await signIn(quire, quire.otherAuthor);
  return { quire, draft, published, others, othersSession };
}

/** Removes a user and waits until the removal is complete. */
async function removed(quire: Quire, who: User, input: DeleteUserInput): Promise<void> {
  const { finished } = (await quire.app.deleteUser(actorFor(who), input))._unsafeUnwrap();
  expect(await finished).toEqual(ok());
}

describe("deleteUser", () => {
  it.each(["author", "admin"] as const)("removes a user and their sessions when the %s requests it", async (who) => {
    const quire = await openQuire();
    await signIn(quire, quire.author);
    const session = await signIn(quire, quire.otherAuthor);
    const input = { id: quire.author.id, posts: KEEP, currentPassword: PASSWORD, expected: null };
    await removed(quire, quire[who], input);
    const { users, sessions } = await contentsOf(quire);
    expect(users.map(({ id }) => id)).toEqual([quire.admin.id, quire.otherAuthor.id]);
    expect(sessions.map(({ id }) => id)).toEqual([session.sessionId]);
  });

  it("rejects the sessions of a deleted user", async () => {
    const quire = await openQuire();
    const input = { email: quire.author.email, password: PASSWORD };
    const { token } = (await quire.app.logIn(input, null))._unsafeUnwrap().value;
    const deletion = { id: quire.author.id, posts: KEEP, currentPassword: PASSWORD, expected: null };
    await removed(quire, quire.author, deletion);
    expect((await quire.app.authenticate(token))._unsafeUnwrapErr()).toEqual({ kind: "invalid_session" });
  });

  it.each(["otherAuthor", "admin"] as const)("forbids an author to delete the %s", async (who) => {
    const { quire } = await openWithPosts();
    await storedPublishedPost(quire, quire[who]);
    const before = await contentsOf(quire);
    const input = { id: quire[who].id, posts: DELETE, currentPassword: PASSWORD, expected: null };
    expect((await quire.app.deleteUser(actorFor(quire.author), input))._unsafeUnwrapErr()).toEqual({
      kind: "forbidden",
    });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("fails with user_not_found for an unknown user", async () => {
    const { app, admin } = await openQuire();
    const input = { id: nextId<UserId>(), posts: KEEP, currentPassword: PASSWORD, expected: null };
    expect((await app.deleteUser(actorFor(admin), input))._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });

  it("fails with user_has_posts when the request keeps the posts", async () => {
    const { quire } = await openWithPosts();
    const before = await contentsOf(quire);
    const input = { id: quire.author.id, posts: KEEP, currentPassword: PASSWORD, expected: null };
    expect((await quire.app.deleteUser(actorFor(quire.author), input))._unsafeUnwrapErr()).toEqual({
      kind: "user_has_posts",
    });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("deletes the posts of the user, and no others, on request", async () => {
    const { quire, others, othersSession } = await openWithPosts();
    const input = { id: quire.author.id, posts: DELETE, currentPassword: PASSWORD, expected: null };
    await removed(quire, quire.author, input);
    const { users, posts, sessions } = await contentsOf(quire);
    expect(users.map(({ id }) => id)).not.toContain(quire.author.id);
    expect(posts).toEqual([others]);
    expect(sessions.map(({ id }) => id)).toEqual([othersSession.sessionId]);
  });

  it("reassigns the posts on request, each with a new version and update time", async () => {
    const { quire, draft, published, others } = await openWithPosts();
    quire.clock.set(LATER);
    const input = {
      id: quire.author.id,
      posts: { kind: "reassign", to: quire.admin.id } as const,
      currentPassword: PASSWORD,
      expected: null,
    };
    await removed(quire, quire.admin, input);
    const { users, posts } = await contentsOf(quire);
    const given = { authorId: quire.admin.id, version: 2, updatedAt: LATER };
    expect(posts).toEqual([others, { ...published, ...given }, { ...draft, ...given }]);
    expect(users.map(({ id }) => id)).toEqual([quire.admin.id, quire.otherAuthor.id]);
  });

  it.each([
    ["an unknown user", nextId<UserId>()],
    ["the deleted user", null],
  ])("keeps everything when the request reassigns the posts to %s", async (_case, to) => {
    const { quire } = await openWithPosts();
    const before = await contentsOf(quire);
    const posts = { kind: "reassign", to: to ?? quire.author.id } as const;
    const refused = await quire.app.deleteUser(actorFor(quire.admin), { id: quire.author.id, posts, expected: null });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "new_author_unfit" });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("rejects the deleted user as the new author before the password is compared", async () => {
    const { app, admin, hasher } = await openQuire();
    const input = {
      id: admin.id,
      posts: { kind: "reassign", to: admin.id },
      currentPassword: PASSWORD,
      expected: null,
    } as const;
    expect((await app.deleteUser(actorFor(admin), input))._unsafeUnwrapErr()).toEqual({ kind: "new_author_unfit" });
    expect(hasher.compared).toEqual([]);
  });

  it("removes a user who is at one of the expected versions", async () => {
    const { app, author } = await openQuire();
    const input = {
      id: author.id,
      posts: KEEP,
      currentPassword: PASSWORD,
      expected: [nextVersion(FIRST_VERSION), FIRST_VERSION],
    };
    expect((await app.deleteUser(actorFor(author), input)).isOk()).toBe(true);
  });

  it("keeps everything when another version is expected", async () => {
    const { quire } = await openWithPosts();
    const before = await contentsOf(quire);
    const input = { id: quire.author.id, posts: DELETE, expected: [nextVersion(FIRST_VERSION)] };
    expect((await quire.app.deleteUser(actorFor(quire.author), input))._unsafeUnwrapErr()).toEqual({
      kind: "precondition_failed",
    });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("returns forbidden for a new author before it compares versions", async () => {
    const quire = await openQuire();
    const posts = { kind: "reassign", to: quire.otherAuthor.id } as const;
    const input = { id: quire.author.id, posts, expected: [nextVersion(FIRST_VERSION)] };
    const refused = await quire.app.deleteUser(actorFor(quire.author), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "forbidden" });
  });

  it("compares versions before it rejects to delete the last admin", async () => {
    const { app, admin } = await openQuire();
    const input = { id: admin.id, posts: KEEP, expected: [nextVersion(FIRST_VERSION)] };
    expect((await app.deleteUser(actorFor(admin), input))._unsafeUnwrapErr()).toEqual({
      kind: "precondition_failed",
    });
  });

  it("keeps everything when the request cannot be recorded", async () => {
    const { quire } = await openWithPosts({ users: () => ({ requestRemoval: outage }) });
    const before = await contentsOf(quire);
    const input = { id: quire.author.id, posts: DELETE, currentPassword: PASSWORD, expected: null };
    expect((await quire.app.deleteUser(actorFor(quire.author), input))._unsafeUnwrapErr()).toBe(OUTAGE);
    expect(await contentsOf(quire)).toEqual(before);
  });

  it.each([
    ["themselves", "author"],
    ["another author", "otherAuthor"],
    ["an admin", "admin"],
  ] as const)("forbids an author to reassign posts to %s, and keeps everything", async (_case, who) => {
    const { quire } = await openWithPosts();
    const before = await contentsOf(quire);
    const posts = { kind: "reassign", to: quire[who].id } as const;
    const input = { id: quire.author.id, posts, currentPassword: PASSWORD, expected: null };
    expect((await quire.app.deleteUser(actorFor(quire.author), input))._unsafeUnwrapErr()).toEqual({
      kind: "forbidden",
    });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it.each([
    ["author", undefined, "current_password_required"],
    ["author", "another horse battery", "wrong_password"],
    ["author", "short", "wrong_password"],
    ["secondAdmin", undefined, "current_password_required"],
    ["secondAdmin", "another horse battery", "wrong_password"],
  ] as const)(
    "keeps everything when an %s deletes their own account with the password %s",
    async (who, given, kind) => {
      const { quire } = await openWithPosts();
      const secondAdmin = aUser({ role: "admin", passwordHash: quire.admin.passwordHash });
      (await quire.storage.users.insert(secondAdmin))._unsafeUnwrap();
      const user = { author: quire.author, secondAdmin }[who];
      const before = await contentsOf(quire);
      const proof = given === undefined ? {} : { currentPassword: given };
      const input = { id: user.id, posts: DELETE, ...proof, expected: null };
      expect((await quire.app.deleteUser(actorFor(user), input))._unsafeUnwrapErr()).toEqual({ kind });
      expect(await contentsOf(quire)).toEqual(before);
    },
  );

  it("keeps the last admin and their posts, and requires no password for this refusal", async () => {
    const quire = await openQuire();
    await storedDraft(quire, quire.admin);
    const before = await contentsOf(quire);
    const input = { id: quire.admin.id, posts: DELETE, expected: null };
    expect((await quire.app.deleteUser(actorFor(quire.admin), input))._unsafeUnwrapErr()).toEqual({
      kind: "last_admin",
    });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it("keeps everything when the other admin is demoted after the check", async () => {
    const { quire } = await openWithPosts({ users: () => ({ hasAdmin: async () => ok(true) }) });
    await storedDraft(quire, quire.admin);
    const before = await contentsOf(quire);
    const input = { id: quire.admin.id, posts: DELETE, currentPassword: PASSWORD, expected: null };
    expect((await quire.app.deleteUser(actorFor(quire.admin), input))._unsafeUnwrapErr()).toEqual({
      kind: "last_admin",
    });
    expect(await contentsOf(quire)).toEqual(before);
  });

  it.each([
    ["removes the changed user when no version was expected", null, null],
    ["keeps everything when the first version was expected", [FIRST_VERSION], "precondition_failed"],
  ])("%s, after a lost race", async (_case, expected, kind) => {
    let reads = 0;
    const { quire } = await openWithPosts({
      users: (real) => ({
        findById: async (id) => {
          const found = await real.findById(id);
          if (++reads > 1) return found;
          const changed = changeUser(found._unsafeUnwrap(), { name: name("Grace") }, LATER);
          (await real.update(changed, FIRST_VERSION))._unsafeUnwrap();
          return found;
        },
      }),
    });
    const before = await contentsOf(quire);
    const input = { id: quire.author.id, posts: DELETE, currentPassword: PASSWORD, expected };
    const result = await quire.app.deleteUser(actorFor(quire.author), input);
    expect(reads).toBe(2);
    expect(result.isErr() ? result.error.kind : null).toBe(kind);
    const after = await contentsOf(quire);
    if (kind === null) expect(after.users.map(({ id }) => id)).not.toContain(quire.author.id);
    else
      expect({ posts: after.posts, sessions: after.sessions }).toEqual({
        posts: before.posts,
        sessions: before.sessions,
      });
  });
});
