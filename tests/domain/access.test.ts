import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mayActFor,
  mayChangePost,
  mayGiveRoles,
  maySeePost,
  ownProfile,
  profileFor,
  visiblePosts,
  type PostQuery,
  type Viewer,
} from "../../src/domain/access.ts";
import type { UserId } from "../../src/domain/id.ts";
import type { PasswordHash } from "../../src/domain/password.ts";
import { NEWEST_FIRST } from "../../src/domain/post-repository.ts";
import { ROLES } from "../../src/domain/user.ts";
import { actorFor, aDraft, aPublishedPost, aUser, name, nextId, NOW } from "../support/fixtures.ts";

const author = aUser();
const otherAuthor = aUser();
const admin = aUser({ role: "admin" });

const asAuthor = actorFor(author);
const asOtherAuthor = actorFor(otherAuthor);
const asAdmin = actorFor(admin);

const draft = aDraft(author.id);
const published = aPublishedPost(author.id);

describe("who sees a post", () => {
  it.each([
    ["nobody", null, "draft", draft, false],
    ["nobody", null, "published post", published, true],
    ["its author", asAuthor, "draft", draft, true],
    ["its author", asAuthor, "published post", published, true],
    ["another author", asOtherAuthor, "draft", draft, false],
    ["another author", asOtherAuthor, "published post", published, true],
    ["an admin", asAdmin, "draft", draft, true],
    ["an admin", asAdmin, "published post", published, true],
  ])("%s and a %s", (_who, viewer, _what, post, allowed) => {
    expect(maySeePost(viewer, post)).toBe(allowed);
  });
});

describe("who changes a post", () => {
  it.each([
    ["its author", asAuthor, true],
    ["another author", asOtherAuthor, false],
    ["an admin", asAdmin, true],
  ])("%s: draft or published", (_who, actor, allowed) => {
    expect(mayChangePost(actor, draft)).toBe(allowed);
    expect(mayChangePost(actor, published)).toBe(allowed);
  });
});

describe("who acts for a user", () => {
  it.each([
    ["an author for themselves", asAuthor, author, true],
    ["an author for another", asOtherAuthor, author, false],
    ["an author for an admin", asAuthor, admin, false],
    ["an admin for an author", asAdmin, author, true],
    ["an admin for themselves", asAdmin, admin, true],
    ["an admin for another admin", asAdmin, aUser({ role: "admin" }), true],
  ])("%s", (_case, actor, user, allowed) => {
    expect(mayActFor(actor, user.id)).toBe(allowed);
  });
});

describe("who gives roles", () => {
  it("an admin and nobody else", () => {
    expect(mayGiveRoles(asAdmin)).toBe(true);
    expect(mayGiveRoles(asAuthor)).toBe(false);
  });
});

describe("visiblePosts", () => {
  const anything: PostQuery = {
    authorId: null,
    status: null,
    publishedAfter: null,
    publishedBefore: null,
    sort: NEWEST_FIRST,
  };

  it.each([
    ["nobody, everybody's", null, null, null],
    ["nobody, an author's", null, author.id, null],
    ["an author, everybody's", asAuthor, null, { authorId: author.id }],
    ["an author, their own", asAuthor, author.id, { authorId: author.id }],
    ["an author, another's", asAuthor, otherAuthor.id, null],
    ["an admin, everybody's", asAdmin, null, { authorId: null }],
    ["an admin, an author's", asAdmin, author.id, { authorId: author.id }],
  ])("are for %s the published ones, and the drafts that they may see", (_who, viewer, authorId, drafts) => {
    const published = { authorId, after: null, before: null };
    expect(visiblePosts(viewer, { ...anything, authorId })).toEqual({ published, drafts });
    expect(visiblePosts(viewer, { ...anything, authorId, status: "published" })).toEqual({ published, drafts: null });
    expect(visiblePosts(viewer, { ...anything, authorId, status: "draft" })).toEqual({ published: null, drafts });
  });

  it.each<[string, Partial<PostQuery>, object]>([
    ["published after a time", { publishedAfter: NOW }, { after: NOW, before: null }],
    ["published before a time", { publishedBefore: NOW }, { after: null, before: NOW }],
    ["sorted by publication", { sort: { by: "published", descending: true } }, { after: null, before: null }],
  ])("are no drafts where they are %s", (_what, asked, bounds) => {
    expect(visiblePosts(asAdmin, { ...anything, ...asked })).toEqual({
      published: { authorId: null, ...bounds },
      drafts: null,
    });
    expect(visiblePosts(asAdmin, { ...anything, ...asked, status: "draft" })).toEqual({
      published: null,
      drafts: null,
    });
  });
});

describe("a user's profile", () => {
  const { passwordHash: _, ...everything } = author;

  it.each([
    ["nobody", null, false],
    ["another author", asOtherAuthor, false],
    ["the user", asAuthor, true],
    ["an admin", asAdmin, true],
  ])("for %s", (_who, viewer, showsAddress) => {
    expect(profileFor(viewer, author)).toStrictEqual({ ...everything, email: showsAddress ? author.email : null });
  });

  it("for users themselves has everything but the password hash", () => {
    expect(ownProfile(author)).toStrictEqual(everything);
  });

  it("never holds the password hash, nor the address for a viewer who may not act for the user", () => {
    const anyUser = fc
      .record({
        passwordHash: fc.uuid().map((raw) => raw as PasswordHash),
        role: fc.constantFrom(...ROLES),
        name: fc.constantFrom("Ada", "Grace").map(name),
      })
      .map(aUser);
    const anyRelation = fc.constantFrom("nobody", "self", "other");
    fc.assert(
      fc.property(anyUser, anyRelation, fc.constantFrom(...ROLES), (user, relation, role) => {
        const viewers: Record<typeof relation, Viewer> = {
          nobody: null,
          self: actorFor(user),
          other: actorFor({ id: nextId<UserId>(), role }),
        };
        const viewer = viewers[relation];
        const shown = profileFor(viewer, user);
        const said = JSON.stringify(shown);
        expect(said).not.toContain(user.passwordHash);
        expect(said.includes(user.email)).toBe(relation === "self" || (relation === "other" && role === "admin"));
        expect(Object.keys(shown).toSorted()).toEqual([
          "createdAt",
          "email",
          "id",
          "name",
          "role",
          "updatedAt",
          "version",
        ]);
        expect(JSON.stringify(ownProfile(user))).not.toContain(user.passwordHash);
      }),
    );
  });
});
