import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { BatchLimits } from "../../../src/domain/shared/batch.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { NEWEST_FIRST } from "../../../src/domain/post/post-list.ts";
import { unpublishPost } from "../../../src/domain/post/post.ts";
import { storedPostBytes } from "../../../src/domain/shared/storage-quota.ts";
import type { User } from "../../../src/domain/user/user.ts";
import type { PostsFate } from "../../../src/domain/user/user-removal.ts";
import { actorFor, EVERY_DRAFT, EVERY_POST, LATER, postsOf, countOf } from "../../support/fixtures.ts";
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
/** An engine that does less than this in a turn lets the others wait for 50 ms at most (docs/performance.md). */
const MOST: BatchLimits = { rows: 100, bytes: 4 * MIB };

const to = ({ id }: User): PostsFate => ({ kind: "reassign", to: id });

const request = async ({ app, admin }: Quire, { id }: User, posts: PostsFate) =>
  (await app.deleteUser(actorFor(admin), { id, posts, expected: null }))._unsafeUnwrap().finished;

async function postsIn(quire: Quire, author: User | null = null) {
  const filter = author === null ? EVERY_POST : postsOf(author.id);
  return countOf(quire.storage.posts, filter);
}

const isGone = async ({ storage }: Quire, { id }: User) =>
  (await storage.users.findRemoval(id))._unsafeUnwrap() === null && (await storage.users.findById(id)).isErr();

describe("the removal of a user", () => {
  it.each(["delete", "reassign"])(
    "to %s posts takes batches of bounded rows and bytes, however many they are",
    async (kind) => {
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
        // The post that fills the batch is the last of it.
        expect(bytes).toBeLessThan(limits.bytes + 2 * MIB);
      }
      expect(await postsIn(quire, quire.author)).toBe(0);
      expect(await isGone(quire, quire.author)).toBe(true);
    },
  );

  it.each(["delete", "reassign"])("to %s posts goes on where it failed, once it is resumed", async (kind) => {
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
    "looks anew where the last step is refused with %s, as a post was changed meanwhile",
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

  it("ends where another process has done the last step", async () => {
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

  it("tells the defect of a program to its own caller, and goes on with the others", async () => {
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

  it("ends with the user, their sessions and their replay records gone, where it fails at the last step first", async () => {
    let calls = 0;
    const quire = await openQuire({
      users: (real) => ({ delete: async (...args) => (++calls === 1 ? outage() : real.delete(...args)) }),
    });
    await signIn(quire, quire.author);
    expect(await request(quire, quire.author, { kind: "keep" })).toEqual(err(OUTAGE));
    expect(await quire.app.resumeRemovals()).toEqual(ok());
    expect(await isGone(quire, quire.author)).toBe(true);
  });

  it("lets a small one end while a large one goes on", async () => {
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

  it("gives what is left to the heir of a new author who is removed meanwhile", async () => {
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

  it("finds a post that was unpublished to a place that had been passed already", async () => {
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

  it("stops with the server after the batch that runs, and is resumed by the next", async () => {
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
