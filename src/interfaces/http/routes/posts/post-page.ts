import type { Context } from "hono";
import { err, ok, type Result } from "neverthrow";
import * as z from "zod";
import type { UseCases } from "../../../../application/application.ts";
import type { Authors } from "../../../../application/posts/find-authors.ts";
import type { Post } from "../../../../domain/post/post.ts";
import type { PostPageRequest } from "../../../../domain/post/post-list.ts";
import { MAX_EXACT_TOTAL } from "../../../../domain/search/search-passes.ts";
import type { CountedPage } from "../../../../domain/shared/page.ts";
import type { StorageFailure } from "../../../../domain/shared/storage-failure.ts";
import type { HttpEnv } from "../../environment.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { pageBody, pageResponse, type KeptPages } from "../../pagination.ts";
import type { UseCaseError } from "../../problem/problem.ts";
import { ListedPostBody, presentListedPost, type ListedPost } from "./post-body.ts";
import type { ListQuery } from "./post-query.ts";

export const PostPage = pageBody(ListedPostBody)
  .extend({
    total: z.int().nonnegative().exactOptional().meta({ description: "The number of posts in the whole list." }),
    totalIsExact: z
      .boolean()
      .exactOptional()
      .meta({
        description: `With the \`total\` of a search: \`false\` if more posts match than it says, which is ${MAX_EXACT_TOTAL} then.`,
      }),
  })
  .register(BODIES, { id: "PostPage" });

const KEPT_PAGES: KeptPages<ListedPost> = new WeakMap();

type FoundPosts<Item extends Post> = CountedPage<Item> & { readonly totalIsExact?: boolean };

/** A page with the authors of its posts; `null` if the query does not include them. */
type AuthoredPosts<Item extends Post> = FoundPosts<Item> & {
  /** The page as the storage has returned it. */
  readonly stored: object;
  readonly authors: Authors | null;
};

interface PostPageAnswer<Item extends Post, Failure extends UseCaseError> {
  readonly list: string;
  readonly query: ListQuery;
  readonly isKey: (key: string | null) => boolean;
  readonly find: (page: PostPageRequest) => Promise<Result<FoundPosts<Item>, Failure>>;
}

/** Answers with a page of posts, and with their authors if the query includes them. */
export async function postPageResponse<Item extends Post, Failure extends UseCaseError>(
  c: Context<HttpEnv>,
  { findAuthors }: UseCases,
  { find, ...answer }: PostPageAnswer<Item, Failure>,
) {
  const { query } = answer;
  const authorsOf = async (posts: readonly Post[]) =>
    query.include === undefined ? ok(null) : findAuthors(posts, c.get("signal"));
  return pageResponse<Item, AuthoredPosts<Item>, Failure | StorageFailure, ListedPost>(c, {
    ...answer,
    find: async (page) => {
      const found = await find({ ...page, isCounted: query.count === "true" });
      if (found.isErr()) return err(found.error);
      return (await authorsOf(found.value.items)).map((authors) => ({ ...found.value, stored: found.value, authors }));
    },
    present: (post, { authors }) => presentListedPost(post, query, authors),
    state: ({ id, version, authorId }, { authors }) =>
      authors === null ? [id, version] : [id, version, authors.get(authorId)?.name],
    kept: {
      answers: KEPT_PAGES,
      pageOf: ({ stored }) => stored,
      variantOf: ({ authors }) => JSON.stringify(authors && Array.from(authors.values(), ({ id, name }) => [id, name])),
    },
  });
}
