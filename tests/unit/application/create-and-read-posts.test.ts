import { describe, expect, it } from "vitest";
import type { Viewer } from "../../../src/domain/access.ts";
import type { PostId, UserId } from "../../../src/domain/shared/id.ts";
import type { Post } from "../../../src/domain/post/post.ts";
import { actorFor, content, nextId, NOW, title, EVERY_DRAFT } from "../../../src/testing/fixtures.ts";
import {
  contentsOf,
  openQuire,
  pagesOfTwo,
  storedDraft,
  storedPublishedPost,
  ALL_POSTS,
  WHOLE_LIST,
  type Quire,
} from "./support.ts";

type Who = "nobody" | "author" | "otherAuthor" | "admin";

const viewerOf = (quire: Quire, who: Who): Viewer => (who === "nobody" ? null : actorFor(quire[who]));

describe("createPost", () => {
  const input = { title: title("A title"), content: content("Text"), status: "draft" } as const;

  it.each([
    ["draft", null],
    ["published", NOW],
  ] as const)("stores a new post of its author as %s", async (status, publishedAt) => {
    const { app, author, storage } = await openQuire();
    const created = (await app.createPost(actorFor(author), { ...input, status }, null))._unsafeUnwrap().value;
    expect(created).toStrictEqual({
      id: expect.any(String),
      title: "A title",
      content: "Text",
      authorId: author.id,
      status,
      publishedAt,
      version: 1,
      createdAt: NOW,
      updatedAt: NOW,
    });
    expect((await storage.posts.findById(created.id, EVERY_DRAFT))._unsafeUnwrap()).toEqual(created);
  });

  it("stores a draft without content", async () => {
    const { app, author } = await openQuire();
    const created = await app.createPost(actorFor(author), { ...input, content: content("") }, null);
    expect(created._unsafeUnwrap().value.content).toBe("");
  });

  it.each(["", " \n"])("rejects to publish a post with the content %j", async (raw) => {
    const quire = await openQuire();
    const empty = { ...input, content: content(raw), status: "published" } as const;
    const refused = await quire.app.createPost(actorFor(quire.author), empty, null);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
    expect((await contentsOf(quire)).posts).toEqual([]);
  });

  it.each(["draft", "published"] as const)(
    "fails with invalid_session for a deleted user who creates a post as %s",
    async (status) => {
      const quire = await openQuire();
      const { author } = quire;
      (await quire.storage.users.delete(author.id, author.version))._unsafeUnwrap();
      const refused = await quire.app.createPost(actorFor(author), { ...input, status }, null);
      expect(refused._unsafeUnwrapErr()).toEqual({ kind: "invalid_session" });
      expect((await contentsOf(quire)).posts).toEqual([]);
    },
  );
});

describe("getPost", () => {
  it.each<Who>(["nobody", "author", "otherAuthor", "admin"])("shows a published post to %s", async (who) => {
    const quire = await openQuire();
    const post = await storedPublishedPost(quire, quire.author);
    expect((await quire.app.getPost(viewerOf(quire, who), post.id))._unsafeUnwrap()).toEqual(post);
  });

  it.each<Who>(["author", "admin"])("shows a draft to the %s", async (who) => {
    const quire = await openQuire();
    const post = await storedDraft(quire, quire.author);
    expect((await quire.app.getPost(viewerOf(quire, who), post.id))._unsafeUnwrap()).toEqual(post);
  });

  it.each<Who>(["nobody", "otherAuthor"])(
    "gives %s the same answer for a draft and for an unknown post",
    async (who) => {
      const quire = await openQuire();
      const viewer = viewerOf(quire, who);
      const draft = await quire.app.getPost(viewer, (await storedDraft(quire, quire.author)).id);
      const missing = await quire.app.getPost(viewer, nextId<PostId>());
      expect(draft._unsafeUnwrapErr()).toStrictEqual({ kind: "post_not_found" });
      expect(missing._unsafeUnwrapErr()).toStrictEqual(draft._unsafeUnwrapErr());
    },
  );
});

/** Drafts and published posts of two authors, oldest first. */
async function openWithPosts() {
  const quire = await openQuire();
  const { author, otherAuthor } = quire;
  const posts: Record<string, Post> = {
    draft1: await storedDraft(quire, author),
    published1: await storedPublishedPost(quire, author),
    othersDraft: await storedDraft(quire, otherAuthor),
    othersPublished: await storedPublishedPost(quire, otherAuthor),
    draft2: await storedDraft(quire, author),
    published2: await storedPublishedPost(quire, author),
  };
  const named = (page: readonly Post[]) =>
    page.map(({ id }) => Object.keys(posts).find((key) => posts[key]?.id === id));
  return { quire, named };
}

describe("listPosts", () => {
  it.each<[Who, string[][]]>([
    ["nobody", [["published2", "othersPublished"], ["published1"]]],
    ["author", [["published2", "draft2"], ["othersPublished", "published1"], ["draft1"]]],
    [
      "otherAuthor",
      [
        ["published2", "othersPublished"],
        ["othersDraft", "published1"],
      ],
    ],
    [
      "admin",
      [
        ["published2", "draft2"],
        ["othersPublished", "othersDraft"],
        ["published1", "draft1"],
      ],
    ],
  ])("lists for %s every visible post once, newest first, over several pages", async (who, expected) => {
    const { quire, named } = await openWithPosts();
    const pages = await pagesOfTwo<PostId, Post>(async (page) =>
      quire.app.listPosts(viewerOf(quire, who), ALL_POSTS, page),
    );
    expect(pages.map(named)).toEqual(expected);
  });

  it("neither repeats nor skips posts when new posts are written between two pages", async () => {
    const { quire, named } = await openWithPosts();
    const pages = await pagesOfTwo<PostId, Post>(async (page) => {
      const read = await quire.app.listPosts(null, ALL_POSTS, page);
      await storedPublishedPost(quire, quire.author);
      return read;
    });
    expect(pages.flatMap(named)).toEqual(["published2", "othersPublished", "published1"]);
  });

  it("is empty when no post is visible", async () => {
    const quire = await openQuire();
    await storedDraft(quire, quire.author);
    const listed = await quire.app.listPosts(null, ALL_POSTS, WHOLE_LIST);
    expect(listed._unsafeUnwrap()).toEqual({ items: [], next: null, previous: null, total: null });
  });
});

describe("listPostsOfUser", () => {
  it.each<[Who, string[][]]>([
    ["nobody", [["published2", "published1"]]],
    ["otherAuthor", [["published2", "published1"]]],
    [
      "author",
      [
        ["published2", "draft2"],
        ["published1", "draft1"],
      ],
    ],
    [
      "admin",
      [
        ["published2", "draft2"],
        ["published1", "draft1"],
      ],
    ],
  ])("lists for %s the visible posts of the author, newest first, over several pages", async (who, expected) => {
    const { quire, named } = await openWithPosts();
    const pages = await pagesOfTwo<PostId, Post>(async (page) =>
      quire.app.listPostsOfUser(viewerOf(quire, who), { ...ALL_POSTS, authorId: quire.author.id }, page),
    );
    expect(pages.map(named)).toEqual(expected);
  });

  it("is empty for a user without posts, and fails with user_not_found for other viewers", async () => {
    const { quire } = await openWithPosts();
    const query = { ...ALL_POSTS, authorId: quire.admin.id };
    const listed = await quire.app.listPostsOfUser(actorFor(quire.admin), query, WHOLE_LIST);
    expect(listed._unsafeUnwrap()).toEqual({ items: [], next: null, previous: null, total: null });
    for (const viewer of [null, actorFor(quire.author)]) {
      const hidden = await quire.app.listPostsOfUser(viewer, query, WHOLE_LIST);
      expect(hidden._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
    }
  });

  it("fails with user_not_found for an unknown user", async () => {
    const { quire } = await openWithPosts();
    const listed = await quire.app.listPostsOfUser(null, { ...ALL_POSTS, authorId: nextId<UserId>() }, WHOLE_LIST);
    expect(listed._unsafeUnwrapErr()).toEqual({ kind: "user_not_found" });
  });
});
