import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  mayActFor,
  mayCreateUser,
  mayChangePost,
  maySetRoles,
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
import { actorFor, aDraft, aPublishedPost, aUser, name, nextId, NOW } from "../../../src/testing/fixtures.ts";

const author = aUser();
const otherAuthor = aUser();
const admin = aUser({ role: "admin" });

const asAuthor = actorFor(author);
const asOtherAuthor = actorFor(otherAuthor);
const asAdmin = actorFor(admin);

const draft = aDraft(author.id);
const published = aPublishedPost(author.id);

describe("the visibility of a post", () => {
  it.each([
    ["shows no draft to a viewer without a session", null, draft, false],
    ["shows a published post to a viewer without a session", null, published, true],
    ["shows a draft to its author", asAuthor, draft, true],
    ["shows a published post to its author", asAuthor, published, true],
    ["shows no draft to another author", asOtherAuthor, draft, false],
    ["shows a published post to another author", asOtherAuthor, published, true],
    ["shows a draft to an admin", asAdmin, draft, true],
    ["shows a published post to an admin", asAdmin, published, true],
  ])("%s", (_case, viewer, post, allowed) => {
    expect(isVisible(post, visibleDrafts(viewer))).toBe(allowed);
  });
});

describe("mayChangePost", () => {
  it.each([
    ["allows the author", asAuthor, true],
    ["does not allow another author", asOtherAuthor, false],
    ["allows an admin", asAdmin, true],
  ])("%s to change a draft or a published post", (_case, actor, allowed) => {
    expect(mayChangePost(actor, draft)).toBe(allowed);
    expect(mayChangePost(actor, published)).toBe(allowed);
  });
});

describe("mayActFor", () => {
  it.each([
    ["allows an author to act for themselves", asAuthor, author, true],
    ["does not allow an author to act for another author", asOtherAuthor, author, false],
    ["does not allow an author to act for an admin", asAuthor, admin, false],
    ["allows an admin to act for an author", asAdmin, author, true],
    ["allows an admin to act for themselves", asAdmin, admin, true],
    ["allows an admin to act for another admin", asAdmin, aUser({ role: "admin" }), true],
  ])("%s", (_case, actor, user, allowed) => {
    expect(mayActFor(actor, user.id)).toBe(allowed);
  });
});

describe("the rights of admins", () => {
  it.each([
    ["set roles", maySetRoles],
    ["reassign posts", mayReassignPosts],
    ["set a time of publication", maySetPublicationTime],
  ])("allow only admins to %s", (_what, may) => {
    expect(may(asAdmin)).toBe(true);
    expect(may(asAuthor)).toBe(false);
  });
});

describe("mayCreateUser", () => {
  it.each([
    ["allows a viewer without a session while registration is open", null, "open", true],
    ["allows an author while registration is open", asAuthor, "open", true],
    ["allows an admin while registration is open", asAdmin, "open", true],
    ["does not allow a viewer without a session while registration is closed", null, "closed", false],
    ["does not allow an author while registration is closed", asAuthor, "closed", false],
    ["allows an admin while registration is closed", asAdmin, "closed", true],
  ] as const)("%s", (_case, viewer, registration, allowed) => {
    expect(mayCreateUser(viewer, registration)).toBe(allowed);
  });
});

describe("mustGiveCurrentPassword", () => {
  it("requires the password of users and admins for their own account, and not of an admin for another account", () => {
    expect(mustGiveCurrentPassword(asAuthor, author.id)).toBe(true);
    expect(mustGiveCurrentPassword(asAdmin, admin.id)).toBe(true);
    expect(mustGiveCurrentPassword(asAdmin, author.id)).toBe(false);
  });
});

describe("the visibility of a user", () => {
  it.each([
    ["hides a user without a published post from a viewer without a session", null, false],
    ["hides a user without a published post from another author", asOtherAuthor, false],
    ["shows a user without a published post to the same user", asAuthor, true],
    ["shows a user without a published post to an admin", asAdmin, true],
  ])("%s, and shows a user with a published post", (_case, viewer, allowed) => {
    expect(maySeeUser(viewer, author.id, true)).toBe(true);
    expect(maySeeUser(viewer, author.id, false)).toBe(allowed);
  });

  it("lists all users for admins, and only users with a published post for others", () => {
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
    ["no drafts of any author to a viewer without a session", null, null, null],
    ["no drafts of one author to a viewer without a session", null, author.id, null],
    ["an author's own drafts in the list of all authors", asAuthor, null, { authorId: author.id }],
    ["an author's own drafts in the author's own list", asAuthor, author.id, { authorId: author.id }],
    ["no drafts of another author to an author", asAuthor, otherAuthor.id, null],
    ["the drafts of all authors to an admin", asAdmin, null, { authorId: null }],
    ["the drafts of one author to an admin", asAdmin, author.id, { authorId: author.id }],
  ])("shows published posts, and %s", (_case, viewer, authorId, drafts) => {
    const published = { authorId, after: null, before: null };
    expect(visiblePosts(viewer, { ...anything, authorId })).toEqual({ published, drafts });
    expect(visiblePosts(viewer, { ...anything, authorId, status: "published" })).toEqual({ published, drafts: null });
    expect(visiblePosts(viewer, { ...anything, authorId, status: "draft" })).toEqual({ published: null, drafts });
  });

  it.each<[string, Partial<PostListQuery>, object]>([
    ["published after a time", { publishedAfter: NOW }, { after: NOW, before: null }],
    ["published before a time", { publishedBefore: NOW }, { after: null, before: NOW }],
    ["sorted by publication", { sort: { by: "published", descending: true } }, { after: null, before: null }],
  ])("excludes drafts from a list of posts %s", (_what, asked, bounds) => {
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

describe("the profile of a user", () => {
  const { passwordHash: _, ...everything } = author;

  it.each([
    ["hides the address and the role from a viewer without a session", null, false],
    ["hides the address and the role from another author", asOtherAuthor, false],
    ["shows the address and the role to the same user", asAuthor, true],
    ["shows the address and the role to an admin", asAdmin, true],
  ])("%s", (_case, viewer, isFull) => {
    const hidden = isFull ? {} : { email: null, role: null };
    expect(profileFor(viewer, author)).toStrictEqual({ ...everything, ...hidden });
  });

  it("shows users all of their own fields except the password hash", () => {
    expect(ownProfile(author)).toStrictEqual(everything);
  });

  it("never contains the password hash, and the address and the role only for a viewer who may act for the user", () => {
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
        const json = JSON.stringify(shown);
        expect(json).not.toContain(user.passwordHash);
        const isFull = relation === "self" || (relation === "other" && role === "admin");
        expect(json.includes(user.email)).toBe(isFull);
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
