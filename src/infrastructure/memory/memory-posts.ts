import { ok } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { Post } from "../../domain/post.ts";
import { isVisible, pageOfPosts, sortKey, type PostFilter, type PostRepository } from "../../domain/post-repository.ts";
import { rankKey } from "../../domain/post-search.ts";
import { nextVersion } from "../../domain/version.ts";
import { rowsFrom } from "./memory-page.ts";
import { findPosts } from "./memory-search.ts";
import { addRow, isPublishedAuthor, type MemoryAccess } from "./memory-tables.ts";

export function memoryPosts(access: MemoryAccess): PostRepository {
  return {
    insert: async (post) =>
      access(({ users, posts }) => {
        if (!users.has(post.authorId)) return fail({ kind: "author_not_found" });
        addRow(posts, post);
        return ok();
      }),

    findById: async (id, drafts) =>
      access(({ posts }) => {
        const post = posts.get(id);
        if (post === undefined || !isVisible(post, drafts)) return fail({ kind: "post_not_found" });
        return ok(structuredClone(post));
      }),

    hasPublished: async (authorId) => access(({ posts }) => ok(isPublishedAuthor(posts, authorId))),

    list: async (filter, sort, page) =>
      access(({ posts }) => {
        const shown = [...posts.values()].filter((post) => isShown(post, filter));
        const order = { keyOf: (post: Post) => sortKey(post, sort), descending: sort.descending };
        return ok(pageOfPosts(rowsFrom(shown, page, order), page, order.keyOf));
      }),

    search: async (filter, query, page) =>
      access(({ posts }) => {
        const shown = [...posts.values()].filter((post) => isShown(post, filter));
        const order = { keyOf: rankKey, descending: true };
        return ok(pageOfPosts(rowsFrom(findPosts(shown, query), page, order), page, rankKey));
      }),

    count: async (filter, query) =>
      access(({ posts }) => {
        const shown = [...posts.values()].filter((post) => isShown(post, filter));
        return ok(query === null ? shown.length : findPosts(shown, query).length);
      }),

    update: async (post, expected) =>
      access(({ users, posts }) => {
        const stored = posts.get(post.id);
        if (stored === undefined) return fail({ kind: "post_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        if (!users.has(post.authorId)) return fail({ kind: "author_not_found" });
        posts.set(post.id, structuredClone(post));
        return ok();
      }),

    delete: async (id, expected) =>
      access(({ posts }) => {
        const stored = posts.get(id);
        if (stored === undefined) return fail({ kind: "post_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        posts.delete(id);
        return ok();
      }),

    deleteByAuthor: async (authorId) =>
      access(({ posts }) => {
        for (const post of posts.values()) if (post.authorId === authorId) posts.delete(post.id);
        return ok();
      }),

    reassign: async (from, to, now) =>
      access(({ users, posts }) => {
        const given = [...posts.values()].filter((post) => post.authorId === from);
        if (given.length > 0 && !users.has(to)) return fail({ kind: "author_not_found" });
        for (const post of given) {
          posts.set(post.id, { ...post, authorId: to, version: nextVersion(post.version), updatedAt: new Date(now) });
        }
        return ok();
      }),
  };
}

function isShown(post: Post, filter: PostFilter): boolean {
  const range = post.status === "draft" ? filter.drafts : filter.published;
  if (range === null || (range.authorId !== null && post.authorId !== range.authorId)) return false;
  if (post.status === "draft" || filter.published === null) return true;
  const { after, before } = filter.published;
  return (after === null || post.publishedAt > after) && (before === null || post.publishedAt < before);
}
