import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { BatchLimits } from "../../../src/domain/shared/batch.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { NEWEST_FIRST } from "../../../src/domain/post/post-list.ts";
import { unpublishPost } from "../../../src/domain/post/post.ts";
import { storedPostBytes } from "../../../src/domain/shared/storage-quota.ts";
import type { User } from "../../../src/domain/user/user.ts";
import type { PostsFate } from "../../../src/domain/user/user-removal.ts";
import { actorFor, aUser, EVERY_DRAFT, EVERY_POST, LATER, postsOf, countOf } from "../../../src/testing/fixtures.ts";
import { barrier } from "../../support/barrier.ts";
import {
  openQuire,
  OUTAGE,
  outage,
  signIn,
  storedDraft,
  storedPublishedPost,
  WHOLE_LIST,
  type Quire,
} from "./support.ts";

const DELETE: PostsFate = { kind: "delete" };
const MIB = 1_048_576;
/** With at most this much per statement, other requests wait at most 50 ms for the engine (docs/performance.md). */
const MOST: BatchLimits = { rows: 100, bytes: 4 * MIB };

const to = ({ id }: User): PostsFate => ({ kind: "reassign", to: id });

const request = async ({ app, admin }: Quire, { id }: User, posts: PostsFate) =>
  (await app.deleteUser(actorFor(admin), { id, posts, expected: null }))._unsafeUnwrap().finished;

/** Requests a removal as a process that ends immediately afterwards. */
const requestedOnly = async ({ storage }: Quire, { id: userId, version }: User, posts: PostsFate) =>
  (
    await storage.unitOfWork.run(async ({ users }) =>
      users.requestRemoval({ userId, version, posts, requestedAt: LATER }),
    )
  )._unsafeUnwrap();

async function postsIn(quire: Quire, author: User | null = null) {
  const filter = author === null ? EVERY_POST : postsOf(author.id);
  return countOf(quire.storage.posts, filter);
}

const isGone = async ({ storage }: Quire, { id }: User) =>
  (await storage.users.findRemoval(id))._unsafeUnwrap() === null && (await storage.users.findById(id)).isErr();

describe("the removal of a user", () => {
  it.each(["delete", "reassign"])("runs in batches of bounded rows and bytes with the fate %s", async (kind) => {
    const batches: { readonly limits: BatchLimits; readonly ids: PostId[]; readonly bytes: number }[] = [];
    const seen = async <T>(limits: BatchLimits, change: () => Promise<T>): Promise<T> => {
      const before = (
        await quire.storage.posts.list(postsOf(quire.author.id), NEWEST_FIRST, { limit: 1000, from: null })
      )._unsafeUnwrap().items;
      const outcome = await change();
      const left = await Promise.all(
        before.map(async ({ id }) =>
          (await quire.storage.posts.findById(id, EVERY_DRAFT)).map(({ authorId }) => authorId).unwrapOr(null),
        ),
      );
      const changed = before.filter((_, index) => left[index] !== quire.author.id);
      const bytes = changed.reduce((sum, post) => sum + storedPostBytes(post), 0);
      batches.push({ limits, ids: changed.map(({ id }) => id), bytes });
      return outcome;
    };
    const quire: Quire = await openQuire({
      posts: (real) => ({
        deleteByAuthor: async (author, limits, past) =>
          seen(limits, async () => real.deleteByAuthor(author, limits, past)),
        reassign: async (from, heir, now, limits, past) =>
          seen(limits, async () => real.reassign(from, heir, now, limits, past)),
      }),
    });
    for (let i = 0; i < 250; i++) await storedDraft(quire, quire.author);
    for (let i = 0; i < 3; i++) await storedDraft(quire, quire.author, "x".repeat(MIB));
    await request(quire, quire.author, kind === "delete" ? DELETE : to(quire.admin));
    expect(batches.length).toBeGreaterThan(3);
    for (const { limits, ids, bytes } of batches) {
      expect(limits.rows).toBeLessThanOrEqual(MOST.rows);
      expect(limits.bytes).toBeLessThanOrEqual(MOST.bytes);
      expect(ids.length).toBeLessThanOrEqual(limits.rows);
      // The post that reaches the limit is still part of the batch.
      expect(bytes).toBeLessThan(limits.bytes + 2 * MIB);
    }
    expect(await postsIn(quire, quire.author)).toBe(0);
    expect(await isGone(quire, quire.author)).toBe(true);
  });

  it.each(["delete", "reassign"])("resumes after a failure with the fate %s", async (kind) => {
    let calls = 0;
    const failOnce = async <T>(change: () => Promise<T>) => (++calls === 2 ? (outage() as Promise<T>) : change());
    const quire = await openQuire({
      posts: (real) => ({
        deleteByAuthor: async (...args) => failOnce(async () => real.deleteByAuthor(...args)),
        reassign: async (...args) => failOnce(async () => real.reassign(...args)),
      }),
    });
    for (let i = 0; i < 250; i++) await storedDraft(quire, quire.author);
    const finished = await request(quire, quire.author, kind === "delete" ? DELETE : to(quire.admin));
    expect(finished).toEqual(err(OUTAGE));
    expect(await postsIn(quire, quire.author)).toBeGreaterThan(0);
    expect((await quire.storage.users.findById(quire.author.id)).isErr()).toBe(true);

    expect(await quire.app.resumeRemovals()).toEqual(ok());
    expect(await isGone(quire, quire.author)).toBe(true);
    expect(await postsIn(quire, quire.admin)).toBe(kind === "delete" ? 0 : 250);
    expect(await postsIn(quire)).toBe(kind === "delete" ? 0 : 250);
  });

  it.each(["version_conflict", "user_has_posts"] as const)(
    "runs the last step again after it failed with %s, because the data changed in the meantime",
    async (kind) => {
      let calls = 0;
      const quire = await openQuire({
        users: (real) => ({ delete: async (...args) => (++calls === 1 ? err({ kind }) : real.delete(...args)) }),
      });
      await storedDraft(quire, quire.author);
      expect(await request(quire, quire.author, DELETE)).toEqual(ok());
      expect(await isGone(quire, quire.author)).toBe(true);
      expect(calls).toBe(2);
    },
  );

  it("succeeds when another process has done the last step", async () => {
    const quire = await openQuire({
      users: (real) => ({
        delete: async (...args) => {
          (await real.delete(...args))._unsafeUnwrap();
          return err({ kind: "user_not_found" } as const);
        },
      }),
    });
    expect(await request(quire, quire.author, DELETE)).toEqual(ok());
    expect(await isGone(quire, quire.author)).toBe(true);
  });

  it("rejects only its own promise after an exception, and continues with other removals", async () => {
    let calls = 0;
    const quire = await openQuire({
      users: (real) => ({
        findRemoval: async (id) => {
          if (++calls === 1) throw new Error("a defect");
          return real.findRemoval(id);
        },
      }),
    });
    await expect(request(quire, quire.author, DELETE)).rejects.toThrow("a defect");
    expect(await request(quire, quire.otherAuthor, DELETE)).toEqual(ok());
    expect(await isGone(quire, quire.otherAuthor)).toBe(true);
  });

  it("is complete after it was resumed when its last step failed first", async () => {
    let calls = 0;
    const quire = await openQuire({
      users: (real) => ({ delete: async (...args) => (++calls === 1 ? outage() : real.delete(...args)) }),
    });
    await signIn(quire, quire.author);
    expect(await request(quire, quire.author, { kind: "keep" })).toEqual(err(OUTAGE));
    expect(await quire.app.resumeRemovals()).toEqual(ok());
    expect(await isGone(quire, quire.author)).toBe(true);
  });

  it.each(["author", "otherAuthor"] as const)(
    "is reported as failed when only the removal of %s fails among those that are resumed",
    async (failing) => {
      let isDown = true;
      const quire: Quire = await openQuire({
        users: (real) => ({
          delete: async (id, version) => (isDown || id === quire[failing].id ? outage() : real.delete(id, version)),
        }),
      });
      for (const user of [quire.author, quire.otherAuthor]) await request(quire, user, DELETE);
      isDown = false;
      expect(await quire.app.resumeRemovals()).toEqual(err(OUTAGE));
      expect((await quire.storage.users.listRemovals(10))._unsafeUnwrap().map(({ userId }) => userId)).toEqual([
        quire[failing].id,
      ]);
    },
  );

  it("finishes a newer removal when the oldest 100 fail", async () => {
    const quire = await openQuire({
      posts: () => ({ reassign: async () => err({ kind: "author_not_found" } as const) }),
    });
    for (let n = 0; n < 100; n++) {
      const user = aUser();
      (await quire.storage.users.insert(user))._unsafeUnwrap();
      await storedDraft(quire, user);
      await requestedOnly(quire, user, to(quire.admin));
    }
    await requestedOnly(quire, quire.author, DELETE);
    expect((await quire.app.resumeRemovals())._unsafeUnwrapErr()).toMatchObject({ kind: "new_author_missing" });
    expect(await isGone(quire, quire.author)).toBe(true);
  });

  it("lets a small removal end before a large one", async () => {
    const ended: string[] = [];
    const quire = await openQuire();
    for (let i = 0; i < 500; i++) await storedDraft(quire, quire.author);
    await storedDraft(quire, quire.otherAuthor);
    const noted = async (name: string, user: User) => {
      await request(quire, user, DELETE);
      ended.push(name);
    };
    await Promise.all([noted("large", quire.author), noted("small", quire.otherAuthor)]);
    expect(ended).toEqual(["small", "large"]);
  });

  it("applies the fate of a new author who is removed in the meantime", async () => {
    let batches = 0;
    const quire: Quire = await openQuire({
      posts: (real) => ({
        reassign: async (...args) => {
          if (++batches === 2) void request(quire, quire.otherAuthor, to(quire.admin));
          return real.reassign(...args);
        },
      }),
    });
    for (let i = 0; i < 100; i++) await storedDraft(quire, quire.author);
    expect(await request(quire, quire.author, to(quire.otherAuthor))).toEqual(ok());
    expect(await quire.app.resumeRemovals()).toEqual(ok());
    expect(await postsIn(quire, quire.admin)).toBe(100);
    expect(await isGone(quire, quire.otherAuthor)).toBe(true);
  });

  it("follows a chain of new authors who are all removed before they get a post", async () => {
    const third = aUser();
    const quire: Quire = await openQuire({
      posts: (real) => ({
        reassign: async (from, heirId, ...rest) => {
          const next = new Map([
            [quire.otherAuthor.id, third],
            [third.id, quire.admin],
          ]).get(heirId);
          if (from === quire.author.id && next !== undefined) {
            const removal = { id: heirId, posts: to(next), expected: null };
            (await quire.app.deleteUser(actorFor(quire.admin), removal))._unsafeUnwrap();
          }
          return real.reassign(from, heirId, ...rest);
        },
      }),
    });
    (await quire.storage.users.insert(third))._unsafeUnwrap();
    await storedDraft(quire, quire.author);
    expect(await request(quire, quire.author, to(quire.otherAuthor))).toEqual(ok());
    expect(await postsIn(quire, quire.admin)).toBe(1);
  });

  it("deletes a post that was unpublished after its batch had passed the drafts", async () => {
    let batches = 0;
    const quire: Quire = await openQuire({
      posts: (real) => ({
        deleteByAuthor: async (...args) => {
          if (++batches === 2) (await real.update(draft, published.version))._unsafeUnwrap();
          return real.deleteByAuthor(...args);
        },
      }),
    });
    const published = await storedPublishedPost(quire, quire.author);
    const draft = unpublishPost(published, LATER)._unsafeUnwrap();
    for (let i = 0; i < 100; i++) await storedDraft(quire, quire.author);
    expect(await request(quire, quire.author, DELETE)).toEqual(ok());
    expect(await postsIn(quire)).toBe(0);
  });

  it("fails when its new author is missing and no other one takes the posts", async () => {
    let attempts = 0;
    const quire = await openQuire({
      posts: () => ({
        reassign: async () => {
          if (++attempts > 10) throw new Error("The removal does not end.");
          return err({ kind: "author_not_found" } as const);
        },
      }),
    });
    await storedDraft(quire, quire.author);
    const finished = await request(quire, quire.author, to(quire.admin));
    expect(finished).toEqual(err({ kind: "new_author_missing", userId: quire.author.id }));
    expect(await postsIn(quire, quire.author)).toBe(1);
  });

  it("ends its current batch before the server continues to stop", async () => {
    const begun = barrier(2);
    const released = barrier(2);
    const quire = await openQuire({
      posts: (real) => ({
        deleteByAuthor: async (...args) => {
          await begun();
          await released();
          return real.deleteByAuthor(...args);
        },
      }),
    });
    await storedDraft(quire, quire.author);
    const finished = request(quire, quire.author, DELETE);
    await begun();
    let hasStopped = false;
    const stopping = quire.app.stopRemovals().then(() => (hasStopped = true));
    await new Promise((settle) => setImmediate(settle));
    expect(hasStopped).toBe(false);
    await released();
    await stopping;
    expect(await finished).toEqual(err({ kind: "removal_interrupted" }));
    expect(await postsIn(quire)).toBe(0);
  });

  it("stops after the current batch when the server stops, and stays stored for the next start", async () => {
    let stopping: Promise<void> | undefined;
    const quire: Quire = await openQuire({
      posts: (real) => ({
        deleteByAuthor: async (...args) => {
          stopping ??= quire.app.stopRemovals();
          return real.deleteByAuthor(...args);
        },
      }),
    });
    for (let i = 0; i < 250; i++) await storedDraft(quire, quire.author);
    expect(await request(quire, quire.author, DELETE)).toEqual(err({ kind: "removal_interrupted" }));
    await stopping;
    expect(await postsIn(quire)).toBe(150);
    expect((await quire.storage.users.listRemovals(10))._unsafeUnwrap()).toHaveLength(1);
    expect((await quire.storage.users.list("everybody", WHOLE_LIST))._unsafeUnwrap().items).toHaveLength(2);
  });
});
