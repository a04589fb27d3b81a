import { err } from "neverthrow";
import type { Storage } from "../application/ports/storage.ts";
import type { PostRepository } from "../domain/post/post-repository.ts";
import type { SearchIndex } from "../infrastructure/drizzle/search/search-index.ts";

/** Brings the index up to date before each search, which a server does in the background. */
export function indexedBeforeSearch(storage: Storage, index: SearchIndex): Storage {
  const { posts } = storage;
  const search: PostRepository["search"] = async (...args) => {
    const swept = await index.sweep();
    return swept.isErr() ? err(swept.error) : posts.search(...args);
  };
  return { ...storage, posts: { ...posts, search } };
}
