import { Hono, type Context } from "hono";
import { err, type Result } from "neverthrow";
import { z } from "zod";
import type { AuthoredPost } from "../../../application/posts/include-authors.ts";
import type { UseCases } from "../../../application/application.ts";
import type { CountedPage } from "../../../domain/shared/page.ts";
import { POST_STATUSES, type Post } from "../../../domain/post/post.ts";
import { isSortKey, type PostPageRequest } from "../../../domain/post/post-list.ts";
import { isRankKey, type FoundPost } from "../../../domain/post/post-search.ts";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";
import { identify, requireActor } from "../middleware/authentication.ts";
import type { HttpEnv } from "../environment.ts";
import { authorRepresentation, expectedVersions, requireIfMatch } from "../etag.ts";
import { excerptHtml } from "../excerpt.ts";
import { idempotencyKey } from "../middleware/idempotency.ts";
import { jsonBody, rejectBody, patchBody, POST_BODY_BYTES } from "../middleware/json-body.ts";
import { pageResponse } from "../pagination.ts";
import { postId } from "../path-id.ts";
import { postListName, PostsQuery, SinglePostQuery, toPostQuery, type ListQuery } from "../post-query.ts";
import { failureProblem, type UseCaseError } from "../problem.ts";
import { actionResponse, changedResponse, createdResponse, resourceResponse } from "../resource-response.ts";
import { respond } from "../respond.ts";
import type { HttpSettings } from "../settings.ts";
import { POST_PAGE, WRITE } from "../middleware/rate-costs.ts";
import type { RateLimits } from "../middleware/rate-limits.ts";
import { rejectQuery, validBody, validQuery } from "../middleware/validation.ts";
import { contentText, IdBody, TimeBody, timeText, titleText } from "../values.ts";

export const PostBody = z.object({
  id: IdBody,
  title: z.string(),
  content: z.string(),
  status: z.enum(POST_STATUSES),
  authorId: IdBody,
  publishedAt: TimeBody.nullable(),
  version: z.int().positive(),
  createdAt: TimeBody,
  updatedAt: TimeBody,
});

const AuthorBody = z.object({ id: IdBody, name: z.string() });

const EXCERPT =
  "Where the content has what was searched for, as HTML: `<mark>` around what matches, and all else escaped.";

const Included = z.object({ author: AuthorBody.nullable().exactOptional() });

const OfAList = Included.extend({
  excerpt: z.string().exactOptional().meta({ description: EXCERPT }),
});

/**
 * A post in a list; `author` is there when the query asks for it, and `null` for one who was deleted meanwhile, `excerpt` when
 * it searches.
 */
type ListedPost = z.infer<typeof PostBody> & z.infer<typeof OfAList>;

// With `fields` an answer has no others. Its type is that of whole posts, which one that asks without it may rely on.
export const ListedPostBody = PostBody.partial()
  .required({ id: true })
  .extend(OfAList.shape) as unknown as z.ZodType<ListedPost>;

const WholeView = PostBody.extend(Included.shape);

/** A post as it is asked for: `author` is there when the query asks for it. */
type PostView = z.infer<typeof WholeView>;

export const PostViewBody = PostBody.partial()
  .required({ id: true })
  .extend(Included.shape) as unknown as z.ZodType<PostView>;

const publicationTime = timeText({
  description: "When it was published, if not now: for imports by admins. Not in the future.",
  plus: "+",
  // Nobody imports what is older, and PostgreSQL's drivers take the years before 100 for those of another century.
  year: "[1-9]\\d{3}",
});

const NewPost = z
  .strictObject({
    title: titleText,
    content: contentText,
    status: z.enum(POST_STATUSES).default("draft"),
    publishedAt: publicationTime.exactOptional(),
  })
  .superRefine(({ status, publishedAt }, context) => {
    if (publishedAt === undefined || status === "published") return;
    const message = "A draft has no time of publication. Leave this out, or give the status published.";
    context.addIssue({ code: "custom", path: ["publishedAt"], message, params: { code: "contradictory" } });
  });

const PostPatch = z.strictObject({
  title: titleText.exactOptional(),
  content: contentText.exactOptional(),
  publishedAt: publicationTime.exactOptional(),
});

export function postRoutes(useCases: UseCases, settings: HttpSettings, limits: RateLimits) {
  const namedVersion = requireIfMatch(settings);
  const write = limits.cost(WRITE);
  return new Hono<HttpEnv>()
    .use(identify(useCases))
    .use(limits.account)
    .get("/", validQuery(PostsQuery), limits.cost(POST_PAGE), async (c) => {
      const query = c.req.valid("query");
      const [viewer, signal] = [c.get("viewer"), c.get("signal")];
      const wanted = toPostQuery(query);
      const list = postListName("posts", wanted);
      return wanted.kind === "search"
        ? postPageResponse(c, useCases, {
            list,
            query,
            isKey: isRankKey,
            find: async (page) => useCases.searchPosts(viewer, wanted, page, signal),
            present: presentFoundPost,
          })
        : postPageResponse(c, useCases, {
            list,
            query,
            isKey: (key) => isSortKey(key, wanted.sort),
            find: async (page) => useCases.listPosts(viewer, wanted, page, signal),
            present: presentPost,
          });
    })
    .post(
      "/",
      requireActor,
      rejectQuery,
      write,
      jsonBody(POST_BODY_BYTES),
      validBody(NewPost),
      idempotencyKey,
      async (c) => {
        const created = await useCases.createPost(c.get("actor"), c.req.valid("json"), c.get("idempotency"));
        return created.match(
          (outcome) =>
            createdResponse(c, outcome, (post) => ({ location: `/v1/posts/${post.id}`, ...postResource(post) })),
          (failure) => failureProblem(c, failure),
        );
      },
    )
    .get("/:id", postId, validQuery(SinglePostQuery), async (c) => {
      const query = c.req.valid("query");
      const signal = c.get("signal");
      const found = await useCases.getPost(c.get("viewer"), c.req.valid("param").id, signal);
      if (found.isErr()) return failureProblem(c, found.error);
      if (query.include === undefined) return resourceResponse(c, postView(found.value, query));
      const included = await useCases.includeAuthor(found.value, signal);
      return included.match(
        (post) => resourceResponse(c, authoredPostView(post, query)),
        (failure) => failureProblem(c, failure),
      );
    })
    .patch(
      "/:id",
      requireActor,
      postId,
      namedVersion,
      rejectQuery,
      write,
      patchBody(POST_BODY_BYTES),
      validBody(PostPatch),
      async (c) => {
        const target = { id: c.req.valid("param").id, expected: expectedVersions(c) };
        const updated = await useCases.updatePost(c.get("actor"), { ...target, edits: c.req.valid("json") });
        return updated.match(
          (post) => changedResponse(c, postResource(post)),
          (failure) => failureProblem(c, failure),
        );
      },
    )
    .delete("/:id", requireActor, postId, namedVersion, rejectQuery, write, async (c) => {
      const target = { id: c.req.valid("param").id, expected: expectedVersions(c) };
      const deleted = await useCases.deletePost(c.get("actor"), target);
      return deleted.match(
        () => respond(c, null, 204),
        (failure) => failureProblem(c, failure),
      );
    })
    .post("/:id/publish", requireActor, postId, rejectQuery, write, rejectBody, idempotencyKey, async (c) => {
      const target = { id: c.req.valid("param").id, expected: expectedVersions(c) };
      const published = await useCases.publishPost(c.get("actor"), target, c.get("idempotency"));
      return published.match(
        (outcome) => actionResponse(c, outcome, postResource),
        (failure) => failureProblem(c, failure),
      );
    })
    .post("/:id/unpublish", requireActor, postId, rejectQuery, write, rejectBody, idempotencyKey, async (c) => {
      const target = { id: c.req.valid("param").id, expected: expectedVersions(c) };
      const unpublished = await useCases.unpublishPost(c.get("actor"), target, c.get("idempotency"));
      return unpublished.match(
        (outcome) => actionResponse(c, outcome, postResource),
        (failure) => failureProblem(c, failure),
      );
    });
}

interface PostPage<Item extends Post, Failure extends UseCaseError> {
  readonly list: string;
  readonly query: ListQuery;
  readonly isKey: (key: string | null) => boolean;
  readonly find: (page: PostPageRequest) => Promise<Result<CountedPage<Item>, Failure>>;
  readonly present: (post: Item) => ListedPost;
}

/** Responds with a page of posts, and with their authors where the query asks for them. */
export async function postPageResponse<Item extends Post, Failure extends UseCaseError>(
  c: Context<HttpEnv>,
  { includeAuthors }: UseCases,
  { list, query, isKey, find, present }: PostPage<Item, Failure>,
) {
  const isCounted = query.count === "true";
  if (query.include === undefined) {
    return pageResponse(c, {
      list,
      query,
      isKey,
      find: async (page) => find({ ...page, isCounted }),
      present: (post: Item) => pickFields(present(post), query),
      state: postState,
    });
  }
  return pageResponse(c, {
    list,
    query,
    isKey,
    find: async (page): Promise<Result<CountedPage<AuthoredPost<Item>>, Failure | StorageFailure>> => {
      const found = await find({ ...page, isCounted });
      return found.isErr() ? err(found.error) : includeAuthors(found.value, c.get("signal"));
    },
    present: (post) => pickFields({ ...present(post), author: presentAuthor(post) }, query),
    state: (post) => [...postState(post), post.author?.name],
  });
}

/** What is asked for by parameters of its own. */
const ALWAYS_LISTED: ReadonlySet<string> = new Set<keyof ListedPost>(["id", "author", "excerpt"]);

/** Its type is that of the whole post, which is what a query without `fields` answers with. */
function pickFields<Body extends PostView>(post: Body, { fields }: Pick<ListQuery, "fields">): Body {
  if (fields === undefined) return post;
  const isPicked = ([name]: [string, unknown]) => ALWAYS_LISTED.has(name) || fields.has(name);
  return Object.fromEntries(Object.entries(post).filter(isPicked)) as Body;
}

function presentFoundPost(post: FoundPost): ListedPost {
  return { ...presentPost(post), excerpt: excerptHtml(post.excerpt) };
}

function presentAuthor({ author }: AuthoredPost): z.infer<typeof AuthorBody> | null {
  return author && { id: author.id, name: author.name };
}

export function presentPost({ publishedAt, createdAt, updatedAt, ...post }: Post): z.infer<typeof PostBody> {
  const { id, title, content, status, authorId, version } = post;
  return {
    id,
    title,
    content,
    status,
    authorId,
    publishedAt: publishedAt && publishedAt.toISOString(),
    version,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
  };
}

function postState({ id, version }: Post) {
  return [id, version];
}

function postView(post: Post, query: z.infer<typeof SinglePostQuery>) {
  return { version: post.version, body: pickFields<PostView>(presentPost(post), query) };
}

/** The author's name changes without the post, so a representation that contains it has its own tag. */
function authoredPostView(post: AuthoredPost, query: z.infer<typeof SinglePostQuery>) {
  const author = presentAuthor(post);
  const body = pickFields<PostView>({ ...presentPost(post), author }, query);
  return { version: post.version, representation: authorRepresentation(author), body };
}

function postResource(post: Post) {
  return { version: post.version, body: presentPost(post) };
}
