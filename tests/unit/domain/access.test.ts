import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mayActFor,
  mayCreateUser,
  mayChangePost,
  mayGiveRoles,
  mayReassignPosts,
  maySeeUser,
  maySetPublicationTime,
  mustGiveCurrentPassword,
  visibleDrafts,
  visiblePosts,
  visibleUsers,
  type Viewer,
} from "../../../src/domain/access.ts";
import { ownProfile, profileFor } from "../../../src/domain/user/user-profile.ts";
import type { PostListQuery } from "../../../src/domain/post/post-list.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import type { PasswordHash } from "../../../src/domain/user/password.ts";
import { isVisible, NEWEST_FIRST } from "../../../src/domain/post/post-list.ts";
import { ROLES } from "../../../src/domain/user/user.ts";
import { actorFor, aDraft, aPublishedPost, aUser, name, nextId, NOW } from "../../support/fixtures.ts";

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
    expect(isVisible(post, visibleDrafts(viewer))).toBe(allowed);
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

describe("what an admin may do and no author", () => {
  it.each([
    ["give roles", mayGiveRoles],
    ["reassign posts", mayReassignPosts],
    ["set a time of publication", maySetPublicationTime],
  ])("%s", (_what, may) => {
    expect(may(asAdmin)).toBe(true);
    expect(may(asAuthor)).toBe(false);
  });
});

describe("who creates users", () => {
  it.each([
    ["nobody, while registration is open", null, "open", true],
    ["an author, while registration is open", asAuthor, "open", true],
    ["an admin, while registration is open", asAdmin, "open", true],
    ["nobody, while it is closed", null, "closed", false],
    ["an author, while it is closed", asAuthor, "closed", false],
    ["an admin, while it is closed", asAdmin, "closed", true],
  ] as const)("%s", (_case, viewer, registration, allowed) => {
    expect(mayCreateUser(viewer, registration)).toBe(allowed);
  });
});

describe("who gives the current password", () => {
  it("users who act for themselves, admins too, and no admin who acts for another", () => {
    expect(mustGiveCurrentPassword(asAuthor, author.id)).toBe(true);
    expect(mustGiveCurrentPassword(asAdmin, admin.id)).toBe(true);
    expect(mustGiveCurrentPassword(asAdmin, author.id)).toBe(false);
  });
});

describe("who sees a user", () => {
  it.each([
    ["nobody", null, false],
    ["another author", asOtherAuthor, false],
    ["the user", asAuthor, true],
    ["an admin", asAdmin, true],
  ])("%s: always where the user has a published post, and else only the user and admins", (_who, viewer, allowed) => {
    expect(maySeeUser(viewer, author.id, true)).toBe(true);
    expect(maySeeUser(viewer, author.id, false)).toBe(allowed);
  });

  it("in a list, admins everybody, and others those who have a published post", () => {
    expect(visibleUsers(asAdmin)).toBe("everybody");
    for (const viewer of [null, asAuthor]) expect(visibleUsers(viewer)).toBe("published_authors");
  });
});

describe("visiblePosts", () => {
  const anything: PostListQuery = {
    kind: "list",
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

  it.each<[string, Partial<PostListQuery>, object]>([
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
  ])("for %s", (_who, viewer, isFull) => {
    const hidden = isFull ? {} : { email: null, role: null };
    expect(profileFor(viewer, author)).toStrictEqual({ ...everything, ...hidden });
  });

  it("for users themselves has everything but the password hash", () => {
    expect(ownProfile(author)).toStrictEqual(everything);
  });

  it("never holds the password hash, nor the address or the role for a viewer who may not act for the user", () => {
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
        const isFull = relation === "self" || (relation === "other" && role === "admin");
        expect(said.includes(user.email)).toBe(isFull);
        expect(shown.role).toBe(isFull ? user.role : null);
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
