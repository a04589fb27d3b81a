import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PostId, UserId } from "../../../src/domain/shared/id.ts";
import {
  MAX_CONTENT_BYTES,
  editPost,
  isStoredContent,
  isStoredTitle,
  newDraft,
  newPublishedPost,
  parsePostContent,
  parsePostTitle,
  publishPost,
  restorePost,
  unpublishPost,
  type Post,
  type PostEdits,
} from "../../../src/domain/post/post.ts";
import { aDraft, aPublishedPost, content, LATER, nextId, NOW, title } from "../../../src/testing/fixtures.ts";

const author = nextId<UserId>();
const fields = { id: nextId<PostId>(), title: title("A title"), authorId: author, content: content("Text") };
const LONG_AGO = new Date("1999-12-31T23:59:59.999Z");

const UNREADABLE = [
  ["empty content", ""],
  ["content of white space", " \t\r\n\u00a0\u3000\ufeff"],
] as const;

/** Not blank by the rule of earlier versions. */
const INVISIBLE = [
  ["a zero-width space", "\u200b"],
  ["an empty Braille pattern", "\u2800"],
  ["a Hangul filler", "\u3164"],
  ["a soft hyphen", "\u00ad"],
] as const;

describe("parsePostTitle", () => {
  it.each([
    ["1 character", "A"],
    ["300 characters", "a".repeat(300)],
    ["300 characters outside the Basic Multilingual Plane", "😀".repeat(300)],
    ["white space at both ends", "  A title \u00a0"],
    ["decomposed letters", "Cafe\u0301"],
  ])("keeps %s as written", (_case, raw) => {
    expect(parsePostTitle(raw)._unsafeUnwrap()).toBe(raw);
  });

  it.each([
    ["an empty text", "", "too_short", 1],
    ["301 characters", "a".repeat(301), "too_long", 300],
    ["301 characters of two code units each", "😀".repeat(301), "too_long", 300],
    ["300 characters and a space", `${"a".repeat(300)} `, "too_long", 300],
    ["a space", " ", "blank", null],
    ["white space of every kind", " \u00a0\u3000\ufeff\u2028", "blank", null],
    ["a line feed", "A\ntitle", "control_character", null],
  ])("rejects %s", (_case, raw, code, limit) => {
    expect(parsePostTitle(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code, limit });
  });
});

describe("isStoredTitle", () => {
  it("accepts 1 to 300 characters, also a title that the current rule rejects", () => {
    for (const text of ["A", " ", "😀".repeat(300)]) expect(isStoredTitle(text)).toBe(true);
    for (const text of ["", "a".repeat(301)]) expect(isStoredTitle(text)).toBe(false);
  });
});

/** Repeats a character up to a number of UTF-8 bytes, and fills the rest with single bytes. */
const fill = (character: string, bytes: number) => {
  const text = character.repeat(Math.floor(bytes / Buffer.byteLength(character)));
  return text + "a".repeat(bytes - Buffer.byteLength(text));
};

const WIDTHS = [
  [1, "a"],
  [2, "é"],
  [3, "€"],
  [4, "😀"],
] as const;

describe("parsePostContent", () => {
  it("has a maximum of one mebibyte", () => {
    expect(MAX_CONTENT_BYTES).toBe(1024 * 1024);
  });

  it.each(WIDTHS)("keeps a mebibyte of characters of %i bytes", (_bytes, character) => {
    const raw = fill(character, MAX_CONTENT_BYTES);
    expect(parsePostContent(raw)._unsafeUnwrap()).toBe(raw);
  });

  it.each(WIDTHS)("rejects one byte more than a mebibyte of characters of %i bytes", (_bytes, character) => {
    expect(parsePostContent(fill(character, MAX_CONTENT_BYTES + 1))._unsafeUnwrapErr()).toEqual({
      kind: "violation",
      code: "too_many_bytes",
      limit: MAX_CONTENT_BYTES,
    });
  });

  it.each([...UNREADABLE, ["white space at both ends", "\n text \n"], ["decomposed letters", "Cafe\u0301"]] as const)(
    "keeps %s as written",
    (_case, raw) => {
      expect(parsePostContent(raw)._unsafeUnwrap()).toBe(raw);
    },
  );
});

describe("isStoredContent", () => {
  it.each(WIDTHS)("accepts a mebibyte of characters of %i bytes, and not one byte more", (_bytes, character) => {
    expect(isStoredContent(fill(character, MAX_CONTENT_BYTES))).toBe(true);
    expect(isStoredContent(fill(character, MAX_CONTENT_BYTES + 1))).toBe(false);
  });
});

describe("a new post", () => {
  const first = { ...fields, version: 1, createdAt: NOW, updatedAt: NOW };

  it("is a draft with the first version", () => {
    expect(newDraft(fields, NOW)).toEqual({ ...first, status: "draft", publishedAt: null });
  });

  it("has the time of its creation and the first version when it is created as published", () => {
    expect(newPublishedPost(fields, NOW)._unsafeUnwrap()).toEqual({ ...first, status: "published", publishedAt: NOW });
  });

  it.each(UNREADABLE)("may be a draft with %s", (_case, raw) => {
    expect(newDraft({ ...fields, content: content(raw) }, NOW)).toMatchObject({ status: "draft", content: raw });
  });

  it.each([...UNREADABLE, ...INVISIBLE])("cannot be published with %s", (_case, raw) => {
    const refused = newPublishedPost({ ...fields, content: content(raw) }, NOW);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
  });
});

describe("restorePost", () => {
  it.each([
    ["draft", aDraft(author)],
    ["published post", aPublishedPost(author)],
  ])("returns the stored %s", (_case, post) => {
    const { status: _status, ...stored } = post;
    expect(restorePost(stored)._unsafeUnwrap()).toEqual(post);
  });

  it.each(UNREADABLE)("fails for a stored published post with %s", (_case, raw) => {
    const { status: _status, ...stored } = aPublishedPost(author);
    const broken = restorePost({ ...stored, content: content(raw) });
    expect(broken._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
  });

  it.each(INVISIBLE)("returns a stored published post with %s, and its title can be edited", (_case, raw) => {
    const { status: _status, ...stored } = { ...aPublishedPost(author), content: content(raw) };
    const restored = restorePost(stored)._unsafeUnwrap();
    expect(editPost(restored, { title: title("Another") }, LATER).isOk()).toBe(true);
  });
});

describe("newPublishedPost with a time of publication", () => {
  it("keeps a time in the past", () => {
    const { version, createdAt, ...published } = newPublishedPost(fields, NOW, LONG_AGO)._unsafeUnwrap();
    expect(published).toMatchObject({ publishedAt: LONG_AGO, updatedAt: NOW });
    expect([version, createdAt]).toEqual([1, NOW]);
  });

  it("rejects a time in the future", () => {
    const refused = newPublishedPost(fields, NOW, LATER);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "publication_in_future" });
  });
});

describe("editPost", () => {
  const edits: [string, PostEdits][] = [
    ["title", { title: title("Another") }],
    ["content", { content: content("Other text") }],
    ["title and content", { title: title("Another"), content: content("Other text") }],
  ];

  describe.each([
    ["draft", aDraft(author)],
    ["published post", aPublishedPost(author)],
  ])("of a %s", (_status, post) => {
    it.each(edits)("changes only the %s, increments the version, and sets the update time", (_case, edit) => {
      const edited = editPost(Object.freeze(post), edit, LATER)._unsafeUnwrap();
      expect(edited).toEqual({ ...post, ...edit, version: 2, updatedAt: LATER });
    });

    it.each<[string, PostEdits]>([
      ["there are no edits", {}],
      ["the title is unchanged", { title: post.title }],
      ["the content is unchanged", { content: post.content }],
      ["title and content are unchanged", { title: post.title, content: post.content }],
    ])("returns the same object when %s", (_case, edit) => {
      expect(editPost(post, edit, LATER)._unsafeUnwrap()).toBe(post);
    });
  });

  it("sets a time of publication in the past on a published post", () => {
    const post = Object.freeze(aPublishedPost(author));
    for (const publishedAt of [LONG_AGO, NOW, LATER]) {
      const edited = editPost(post, { publishedAt }, LATER)._unsafeUnwrap();
      if (publishedAt === NOW) expect(edited).toBe(post);
      else expect(edited).toEqual({ ...post, publishedAt, version: 2, updatedAt: LATER });
    }
  });

  it("rejects a time of publication in the future, and any time of publication for a draft", () => {
    const future = editPost(aPublishedPost(author), { publishedAt: new Date(LATER.getTime() + 1) }, LATER);
    expect(future._unsafeUnwrapErr()).toEqual({ kind: "publication_in_future" });
    const draft = editPost(aDraft(author), { publishedAt: LONG_AGO }, LATER);
    expect(draft._unsafeUnwrapErr()).toEqual({ kind: "post_not_published" });
  });

  it("changes a post that was published before the clock was set back", () => {
    const post = aPublishedPost(author);
    const edited = editPost(post, { title: title("Another") }, LONG_AGO)._unsafeUnwrap();
    expect(edited).toMatchObject({ title: "Another", publishedAt: NOW });
  });

  it.each(UNREADABLE)("accepts %s for a draft", (_case, raw) => {
    const edited = editPost(aDraft(author), { content: content(raw) }, LATER)._unsafeUnwrap();
    expect(edited).toMatchObject({ status: "draft", content: raw, version: 2 });
  });

  it.each([...UNREADABLE, ...INVISIBLE])("rejects %s for a published post", (_case, raw) => {
    const refused = editPost(aPublishedPost(author), { title: title("Another"), content: content(raw) }, LATER);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
  });
});

describe("publishPost", () => {
  it("publishes a draft now and increments the version", () => {
    const draft = Object.freeze(aDraft(author));
    expect(publishPost(draft, LATER)._unsafeUnwrap()).toEqual({
      ...draft,
      status: "published",
      publishedAt: LATER,
      version: 2,
      updatedAt: LATER,
    });
  });

  it.each([...UNREADABLE, ...INVISIBLE])("rejects a draft with %s", (_case, raw) => {
    const refused = publishPost(aDraft(author, { content: raw }), LATER);
    expect(refused._unsafeUnwrapErr()).toEqual({ kind: "content_required" });
  });

  it("rejects a published post", () => {
    expect(publishPost(aPublishedPost(author), LATER)._unsafeUnwrapErr()).toEqual({ kind: "post_already_published" });
  });
});

describe("unpublishPost", () => {
  it("turns a published post into a draft without a time of publication, and increments the version", () => {
    const post = Object.freeze(aPublishedPost(author));
    expect(unpublishPost(post, LATER)._unsafeUnwrap()).toEqual({
      ...post,
      status: "draft",
      publishedAt: null,
      version: 2,
      updatedAt: LATER,
    });
  });

  it("rejects a draft", () => {
    expect(unpublishPost(aDraft(author), LATER)._unsafeUnwrapErr()).toEqual({ kind: "post_not_published" });
  });

  it("allows a later publication with a new time", () => {
    const post = aPublishedPost(author);
    const again = unpublishPost(post, NOW).andThen((draft) => publishPost(draft, LATER));
    expect(again._unsafeUnwrap()).toEqual({ ...post, publishedAt: LATER, version: 3, updatedAt: LATER });
  });
});

const visible = ({ title: t, content: c, status, publishedAt }: Post) => ({ t, c, status, publishedAt });

describe("any sequence of edits, publications and unpublications", () => {
  const anyContent = fc.constantFrom("", " \n", "Text", "Other text").map(content);
  const anyEdit = fc.record(
    { title: fc.constantFrom("A title", "Another").map(title), content: anyContent },
    { requiredKeys: [] },
  );
  const anyOperation = fc.oneof(
    anyEdit.map((edits) => (post: Post, now: Date) => editPost(post, edits, now)),
    fc.constant(publishPost),
    fc.constant(unpublishPost),
  );
  const anyStep = fc.record({ operation: anyOperation, pauseMs: fc.nat() });

  it("keeps the invariants of a post", () => {
    fc.assert(
      fc.property(anyContent, fc.array(anyStep, { maxLength: 30 }), (initial, steps) => {
        const fields = { id: nextId<PostId>(), title: title("A title"), authorId: author, content: initial };
        let post: Post = newDraft(fields, NOW);
        let now = NOW;
        for (const { operation, pauseMs } of steps) {
          now = new Date(now.getTime() + pauseMs);
          const before: Post = Object.freeze(post);
          post = operation(before, now).unwrapOr(before);

          expect(post.status === "published").toBe(post.publishedAt !== null);
          if (post.status === "published") expect(post.content.trim()).not.toBe("");
          if (post !== before) expect(post).toMatchObject({ version: before.version + 1, updatedAt: now });
          expect(post.updatedAt.getTime()).toBeGreaterThanOrEqual(post.createdAt.getTime());
          expect(post).toMatchObject({ id: fields.id, authorId: author, createdAt: NOW });
        }
      }),
    );
  });

  it("increments the version exactly when another field changes", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 30 }), (steps) => {
        let post: Post = aDraft(author);
        let now = NOW;
        for (const { operation, pauseMs } of steps) {
          now = new Date(now.getTime() + pauseMs);
          const before: Post = post;
          post = operation(before, now).unwrapOr(before);
          const changed = JSON.stringify(visible(post)) !== JSON.stringify(visible(before));
          expect(post.version).toBe(changed ? before.version + 1 : before.version);
        }
      }),
    );
  });
});
