import type { Context } from "hono";
import { err, type Result } from "neverthrow";
import { z } from "zod";
import type { UseCases } from "../../../../application/application.ts";
import type { AuthoredPost } from "../../../../application/posts/include-authors.ts";
import type { Post } from "../../../../domain/post/post.ts";
import type { PostPageRequest } from "../../../../domain/post/post-list.ts";
import { MAX_EXACT_TOTAL } from "../../../../domain/search/search-passes.ts";
import type { CountedPage } from "../../../../domain/shared/page.ts";
import type { StorageFailure } from "../../../../domain/shared/storage-failure.ts";
import type { HttpEnv } from "../../environment.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { pageBody, pageResponse, type KeptPages } from "../../pagination.ts";
import type { UseCaseError } from "../../problem/problem.ts";
import { ListedPostBody, listedPostJson, type ListedPost } from "./post-body.ts";
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

/** Pages without authors: the author of a post may change before the post does. */
const KEPT_PAGES: KeptPages<ListedPost> = new WeakMap();

type FoundPosts<Item extends Post> = CountedPage<Item> & { readonly totalIsExact?: boolean };

interface PostPageAnswer<Item extends Post, Failure extends UseCaseError> {
  readonly list: string;
  readonly query: ListQuery;
  readonly isKey: (key: string | null) => boolean;
  readonly find: (page: PostPageRequest) => Promise<Result<FoundPosts<Item>, Failure>>;
}

/** Answers with a page of posts, and with their authors if the query includes them. */
export async function postPageResponse<Item extends Post, Failure extends UseCaseError>(
  c: Context<HttpEnv>,
  { includeAuthors }: UseCases,
  { find, ...answer }: PostPageAnswer<Item, Failure>,
) {
  const { query } = answer;
  const isCounted = query.count === "true";
  if (query.include === undefined) {
    return pageResponse(c, {
      ...answer,
      find: async (page) => find({ ...page, isCounted }),
      render: (post: Item) => listedPostJson(post, query),
      state: ({ id, version }) => [id, version],
      kept: KEPT_PAGES,
    });
  }
  return pageResponse(c, {
    ...answer,
    find: async (page): Promise<Result<FoundPosts<AuthoredPost<Item>>, Failure | StorageFailure>> => {
      const found = await find({ ...page, isCounted });
      return found.isErr() ? err(found.error) : includeAuthors(found.value, c.get("signal"));
    },
    render: (post) => listedPostJson(post, query),
    state: ({ id, version, author }) => [id, version, author?.name],
  });
}
