import { err, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { PostTarget } from "../../../src/application/posts/find-changeable-post.ts";
import type { UseCases } from "../../../src/application/application.ts";
import type { Actor } from "../../../src/domain/access.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { editPost, type Post } from "../../../src/domain/post/post.ts";
import { FIRST_VERSION, nextVersion, type Version } from "../../../src/domain/shared/version.ts";
import { ANY_BATCH, actorFor, content, LATER, nextId, title, EVERY_DRAFT } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  openQuire,
  overtaken,
  storedDraft,
  storedPublishedPost,
  type Overrides,
  type Quire,
} from "./support.ts";

const NEXT_VERSION = nextVersion(FIRST_VERSION);

const edits = { title: title("Another"), content: content("Other text") };

type Change = (app: UseCases, actor: Actor, target: PostTarget) => Promise<Result<unknown, { readonly kind: string }>>;

const update: Change = async (app, actor, target) => app.updatePost(actor, { ...target, edits });
const publish: Change = async (app, actor, target) => app.publishPost(actor, target, null);
const unpublish: Change = async (app, actor, target) => app.unpublishPost(actor, target, null);
const remove: Change = async (app, actor, target) => app.deletePost(actor, target);

type Store = typeof storedDraft | typeof storedPublishedPost;

const CHANGES: [string, Change, Store][] = [
  ["updatePost of a draft", update, storedDraft],
  ["updatePost of a published post", update, storedPublishedPost],
  ["publishPost", publish, storedDraft],
  ["unpublishPost", unpublish, storedPublishedPost],
  ["deletePost of a draft", remove, storedDraft],
  ["deletePost of a published post", remove, storedPublishedPost],
];

async function stored({ storage }: Quire, post: Post): Promise<Post | null> {
  return (await storage.posts.findById(post.id, EVERY_DRAFT)).unwrapOr(null);
}

/** A post that another request edits before its first write. */
async function openOvertaken(store: Store) {
  const overtake: { post: Post | null } = { post: null };
  const edit = async () => {
    const post = (await quire.storage.posts.findById((overtake.post as Post).id, EVERY_DRAFT))._unsafeUnwrap();
    const edited = editPost(post, { title: title("By another") }, LATER)._unsafeUnwrap();
    (await quire.storage.posts.update(edited, post.version))._unsafeUnwrap();
  };
  const quire: Quire = await openQuire({
    posts: (real) => ({
      update: overtaken(async (post: Post, version: Version) => real.update(post, version), edit),
      delete: overtaken(async (id: PostId, version: Version) => real.delete(id, version), edit),
    }),
  });
  const post = await store(quire, quire.author);
  overtake.post = post;
  return { quire, post };
}

describe.each(CHANGES)("%s", (_name, change, store) => {
  it.each(["author", "admin"] as const)("succeeds for the %s", async (who) => {
    const quire = await openQuire();
    const post = await store(quire, quire.author);
    (await change(quire.app, actorFor(quire[who]), { id: post.id, expected: null }))._unsafeUnwrap();
    expect(await stored(quire, post)).not.toEqual(post);
  });

  it("changes no other post", async () => {
    const quire = await openQuire();
    const neighbour = await store(quire, quire.author);
    const post = await store(quire, quire.author);
    (await change(quire.app, actorFor(quire.author), { id: post.id, expected: null }))._unsafeUnwrap();
    expect(await stored(quire, neighbour)).toEqual(neighbour);
  });

  it("fails with post_not_found for an unknown post", async () => {
    const { app, admin } = await openQuire();
    const refused = await change(app, actorFor(admin), { id: nextId<PostId>(), expected: null });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
  });

  it("succeeds when the post is at one of the expected versions", async () => {
    const quire = await openQuire();
    const post = await store(quire, quire.author);
    const target = { id: post.id, expected: [NEXT_VERSION, FIRST_VERSION] };
    expect((await change(quire.app, actorFor(quire.author), target)).isOk()).toBe(true);
  });

  it.each([
    ["another version", [NEXT_VERSION]],
    ["no version", []],
  ])("fails with precondition_failed when the post is expected at %s", async (_case, expected) => {
    const quire = await openQuire();
    const post = await store(quire, quire.author);
    const refused = await change(quire.app, actorFor(quire.author), { id: post.id, expected });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "precondition_failed" });
    expect(await stored(quire, post)).toEqual(post);
  });

  describe("when another request edits the post between the read and the write", () => {
    it("applies to the edited post when no version was expected", async () => {
      const { quire, post } = await openOvertaken(store);
      (await change(quire.app, actorFor(quire.author), { id: post.id, expected: null }))._unsafeUnwrap();
      const after = await stored(quire, post);
      if (change === remove) expect(after).toBeNull();
      else expect(after).toMatchObject({ version: 3, title: change === update ? "Another" : "By another" });
    });

    it("fails with precondition_failed when the first version was expected", async () => {
      const { quire, post } = await openOvertaken(store);
      const target = { id: post.id, expected: [post.version] };
      const refused = await change(quire.app, actorFor(quire.author), target);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "precondition_failed" });
      expect(await stored(quire, post)).toMatchObject({ title: "By another", version: 2 });
    });
  });
});

describe.each(CHANGES.filter(([, , store]) => store === storedDraft))("%s, a draft", (_name, change) => {
  it("fails with post_not_found for other authors", async () => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author);
    for (const expected of [null, [FIRST_VERSION], [NEXT_VERSION]]) {
      const refused = await change(quire.app, actorFor(quire.otherAuthor), { id: post.id, expected });
      expect(refused._unsafeUnwrapErr()).toStrictEqual({ kind: "post_not_found" });
    }
    expect(await stored(quire, post)).toEqual(post);
  });
});

describe("unpublishPost for a draft of another author", () => {
  it("fails with post_not_found instead of post_not_published", async () => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author);
    const refused = await unpublish(quire.app, actorFor(quire.otherAuthor), { id: post.id, expected: null });
    expect(refused._unsafeUnwrapErr()).toStrictEqual({ kind: "post_not_found" });
  });
});

describe("a published post of another author", () => {
  it.each([
    ["updatePost", update],
    ["publishPost", publish],
    ["unpublishPost", unpublish],
    ["deletePost", remove],
  ])("makes %s fail with forbidden", async (_name, change) => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    for (const expected of [null, [FIRST_VERSION], [NEXT_VERSION]]) {
      const refused = await change(quire.app, actorFor(quire.otherAuthor), { id: post.id, expected });
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "forbidden" });
    }
    expect(await stored(quire, post)).toEqual(post);
  });
});

describe("updatePost", () => {
  it("returns and stores the edited post with a new version and update time", async () => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    quire.clock.set(LATER);
    const updated = await quire.app.updatePost(actorFor(quire.author), { id: post.id, expected: null, edits });
    expect(updated._unsafeUnwrap()).toEqual({ ...post, ...edits, version: 2, updatedAt: LATER });
    expect(await stored(quire, post)).toEqual(updated._unsafeUnwrap());
  });

  it("keeps the author of a post that an admin edits", async () => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author);
    const updated = await quire.app.updatePost(actorFor(quire.admin), { id: post.id, expected: null, edits });
    expect(updated._unsafeUnwrap().authorId).toBe(quire.author.id);
  });

  it("writes nothing when nothing changes", async () => {
    const quire = await openQuire({ posts: () => ({ update: async () => expect.fail("it has written") }) });
    const post = await storedPublishedPost(quire, quire.author);
    quire.clock.set(LATER);
    const input = { id: post.id, expected: null, edits: { title: post.title, content: post.content } };
    expect((await quire.app.updatePost(actorFor(quire.author), input))._unsafeUnwrap()).toEqual(post);
  });

  it("rejects empty content for a published post", async () => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    const input = { id: post.id, expected: null, edits: { content: content(" ") } };
    const refused = await quire.app.updatePost(actorFor(quire.author), input);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
    expect(await stored(quire, post)).toEqual(post);
  });
});

describe("publishPost", () => {
  it("returns and stores the post as published now", async () => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author);
    quire.clock.set(LATER);
    const published = await quire.app.publishPost(actorFor(quire.author), { id: post.id, expected: null }, null);
    const change = { status: "published", publishedAt: LATER, version: 2, updatedAt: LATER };
    expect(published._unsafeUnwrap().value).toEqual({ ...post, ...change });
    expect((await quire.app.getPost(null, post.id))._unsafeUnwrap()).toEqual({ ...post, ...change });
  });

  it("rejects a draft without readable content", async () => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author, " ");
    const refused = await quire.app.publishPost(actorFor(quire.author), { id: post.id, expected: null }, null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
    expect(await stored(quire, post)).toEqual(post);
  });

  it("rejects a published post", async () => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    const refused = await quire.app.publishPost(actorFor(quire.author), { id: post.id, expected: null }, null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "post_already_published" });
    expect(await stored(quire, post)).toEqual(post);
  });
});

describe("unpublishPost", () => {
  it("returns and stores the post as a draft that the public cannot see", async () => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    quire.clock.set(LATER);
    const draft = await quire.app.unpublishPost(actorFor(quire.author), { id: post.id, expected: null }, null);
    const change = { status: "draft", publishedAt: null, version: 2, updatedAt: LATER };
    expect(draft._unsafeUnwrap().value).toEqual({ ...post, ...change });
    expect(await stored(quire, post)).toEqual({ ...post, ...change });
    expect((await quire.app.getPost(null, post.id))._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
  });

  it("rejects a draft", async () => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author);
    const refused = await quire.app.unpublishPost(actorFor(quire.author), { id: post.id, expected: null }, null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "post_not_published" });
    expect(await stored(quire, post)).toEqual(post);
  });
});

describe("deletePost", () => {
  it("removes the post", async () => {
    const quire = await openQuire();
    const kept = await storedDraft(quire, quire.author);
    const post = await storedPublishedPost(quire, quire.author);
    (await quire.app.deletePost(actorFor(quire.author), { id: post.id, expected: null }))._unsafeUnwrap();
    expect((await contentsOf(quire)).posts).toEqual([kept]);
  });

  it("fails with post_not_found for a deleted post", async () => {
    const quire = await openQuire();
    const target = { id: (await storedDraft(quire, quire.author)).id, expected: null };
    (await quire.app.deletePost(actorFor(quire.author), target))._unsafeUnwrap();
    const again = await quire.app.deletePost(actorFor(quire.author), target);
    expect(again._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
  });
});

describe("a change of a post whose author is deleted between the read and the write", () => {
  const authorGone = err({ kind: "author_not_found" } as const);

  it("applies to the post of its new author", async () => {
    let attempts = 0;
    const overrides: Overrides = {
      posts: (real) => ({
        update: async (post, expected) => {
          if (++attempts > 1) return real.update(post, expected);
          (await real.reassign(quire.author.id, quire.admin.id, LATER, ANY_BATCH, null))._unsafeUnwrap();
          return authorGone;
        },
      }),
    };
    const quire: Quire = await openQuire(overrides);
    const post = await storedDraft(quire, quire.author);
    const input = { id: post.id, expected: null, edits };
    const updated = (await quire.app.updatePost(actorFor(quire.admin), input))._unsafeUnwrap();
    expect(updated).toMatchObject({ ...edits, authorId: quire.admin.id, version: 3 });
  });

  it("fails with post_not_found when the post was deleted with its author", async () => {
    const overrides: Overrides = {
      posts: (real) => ({
        update: async () => {
          (await real.deleteByAuthor(quire.author.id, ANY_BATCH, null))._unsafeUnwrap();
          return authorGone;
        },
      }),
    };
    const quire: Quire = await openQuire(overrides);
    const post = await storedDraft(quire, quire.author);
    const refused = await publish(quire.app, actorFor(quire.admin), { id: post.id, expected: null });
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "post_not_found" });
  });
});
