import { Hono, type Context } from "hono";
import { err, type Result } from "neverthrow";
import { z } from "zod";
import type { AuthoredPost } from "../../../application/posts/include-authors.ts";
import type { UseCases } from "../../../application/application.ts";
import type { PostQuery, PostSearch } from "../../../domain/access.ts";
import type { PostId } from "../../../domain/shared/id.ts";
import type { Page, PageRequest } from "../../../domain/shared/page.ts";
import { POST_STATUSES, type Post } from "../../../domain/post/post.ts";
import { isSortKey } from "../../../domain/post/post-repository.ts";
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
import { askedPosts, postListName, PostsQuery, SinglePostQuery, type ListQuery } from "../post-query.ts";
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
      const asked = askedPosts(query);
      const find: FindPosts<StorageFailure> = async (page) =>
        "search" in asked
          ? useCases.searchPosts(c.get("viewer"), asked, page)
          : useCases.listPosts(c.get("viewer"), asked, page);
      return postPageResponse(c, useCases, { list: "posts", query, asked, find });
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
      const found = await useCases.getPost(c.get("viewer"), c.req.valid("param").id);
      if (found.isErr()) return failureProblem(c, found.error);
      if (query.include === undefined) return resourceResponse(c, postView(found.value, query));
      const included = await useCases.includeAuthor(found.value);
      return included.match(
        (post) => resourceResponse(c, postView(post, query)),
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

type FindPosts<Failure> = (page: PageRequest<PostId>) => Promise<Result<Page<Post | FoundPost>, Failure>>;

interface PostPageAnswer<Failure extends UseCaseError> {
  readonly list: string;
  readonly query: ListQuery;
  readonly asked: PostQuery | PostSearch;
  readonly find: FindPosts<Failure>;
}

/** Answers with a page of posts, and with their authors where the query asks for them. */
export async function postPageResponse<Failure extends UseCaseError>(
  c: Context<HttpEnv>,
  { countPosts, includeAuthors }: UseCases,
  { list, query, asked, find }: PostPageAnswer<Failure>,
) {
  const page = {
    list: postListName(list, asked),
    query,
    isKey: (key: string | null) => ("search" in asked ? isRankKey(key) : isSortKey(key, asked.sort)),
    count: query.count === "true" ? async () => countPosts(c.get("viewer"), asked) : undefined,
  };
  if (query.include === undefined) {
    return pageResponse(c, {
      ...page,
      find,
      present: (post) => pickFields(presentListedPost(post), query),
      state: postState,
    });
  }
  return pageResponse(c, {
    ...page,
    find: async (request): Promise<Result<Page<AuthoredPost<Post | FoundPost>>, Failure | StorageFailure>> => {
      const found = await find(request);
      return found.isErr() ? err(found.error) : includeAuthors(found.value);
    },
    present: (post) => pickFields(presentAuthoredPost(post), query),
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

function presentListedPost(post: Post | FoundPost): ListedPost {
  return { ...presentPost(post), ...("excerpt" in post ? { excerpt: excerptHtml(post.excerpt) } : {}) };
}

function presentAuthoredPost({ author, ...post }: AuthoredPost<Post | FoundPost>): ListedPost {
  return { ...presentListedPost(post), author: author && { id: author.id, name: author.name } };
}

function presentPost({ publishedAt, createdAt, updatedAt, ...post }: Post): z.infer<typeof PostBody> {
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

/** The author's name changes without the post, so a representation that has it has a tag of its own. */
function postView(post: Post | AuthoredPost, query: z.infer<typeof SinglePostQuery>) {
  if (!("author" in post)) return { version: post.version, body: pickFields<PostView>(presentPost(post), query) };
  const body = pickFields<PostView>(presentAuthoredPost(post), query);
  return { version: post.version, representation: authorRepresentation(body.author), body };
}

function postResource(post: Post) {
  return { version: post.version, body: presentPost(post) };
}
