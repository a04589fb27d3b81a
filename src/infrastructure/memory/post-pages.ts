import type { Post } from "../../domain/post/post.ts";
import { sortKey, type PostFilter, type PostPageRequest, type PostSort } from "../../domain/post/post-list.ts";
import { toFoundPostPage, toPostPage } from "../../domain/post/post-page.ts";
import { excerptOf } from "../../domain/search/excerpt.ts";
import type { FoundPost, SearchPage } from "../../domain/search/found-post.ts";
import { rankKey } from "../../domain/search/ranking.ts";
import { totalOf } from "../../domain/search/search-passes.ts";
import type { SearchQuery } from "../../domain/search/search-query.ts";
import type { CountedPage } from "../../domain/shared/page.ts";
import { rowsFrom } from "./memory-page.ts";
import { findPosts } from "./memory-search.ts";

/** A page of `PostRepository.list` of all posts in memory. */
export function listPage(
  posts: Iterable<Post>,
  filter: PostFilter,
  sort: PostSort,
  page: PostPageRequest,
): CountedPage<Post> {
  const shown = [...posts].filter((post) => isShown(post, filter));
  const order = { keyOf: (post: Post) => sortKey(post, sort), descending: sort.descending };
  const rows = rowsFrom(shown, page, order);
  return { ...toPostPage(rows, page, order.keyOf), total: page.isCounted === true ? shown.length : null };
}

/** A page of `PostRepository.search` of all posts in memory. */
export function searchPage(
  posts: Iterable<Post>,
  filter: PostFilter,
  query: SearchQuery,
  page: PostPageRequest,
): SearchPage {
  const shown = [...posts].filter((post) => isShown(post, filter));
  const found = findPosts(shown, query, page.isCounted === true);
  const rows = rowsFrom(found, page, { keyOf: rankKey, descending: true }).map((post): FoundPost => ({
    ...post,
    excerpt: excerptOf(post.content, query),
  }));
  const counted = page.isCounted === true ? totalOf(found.length) : { total: null, totalIsExact: true };
  return { ...toFoundPostPage(rows, page, rankKey), ...counted, isComplete: true };
}

function isShown(post: Post, filter: PostFilter): boolean {
  const range = post.status === "draft" ? filter.drafts : filter.published;
  if (range === null || (range.authorId !== null && post.authorId !== range.authorId)) return false;
  if (post.status === "draft" || filter.published === null) return true;
  const { after, before } = filter.published;
  return (after === null || post.publishedAt > after) && (before === null || post.publishedAt < before);
}
