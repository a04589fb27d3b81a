import { z } from "zod";
import type { AuthoredPost } from "../../../../application/posts/include-authors.ts";
import { POST_STATUSES, type Post } from "../../../../domain/post/post.ts";
import type { FoundPost } from "../../../../domain/search/found-post.ts";
import { excerptHtml } from "../../excerpt.ts";
import { jsonText, keptJsonText, type JsonText } from "../../json-text.ts";
import { BODIES } from "../../openapi/bodies.ts";
import { IdBody, TimeBody, timeText } from "../../values.ts";

export const PostBody = z
  .object({
    id: IdBody,
    title: z.string(),
    content: z.string(),
    status: z.enum(POST_STATUSES),
    authorId: IdBody,
    publishedAt: TimeBody.nullable(),
    version: z.int().positive(),
    createdAt: TimeBody,
    updatedAt: TimeBody,
  })
  .register(BODIES, { id: "Post" });

export type PostField = keyof z.infer<typeof PostBody>;

const AuthorBody = z.object({ id: IdBody, name: z.string() });

/** With `fields` in the query, a post has only these fields and its id. */
const PickedPost = PostBody.partial().required({ id: true });

/** One post. It has `author` if the query includes it; `author` is `null` when the author has been deleted. */
export const PostViewBody = PickedPost.extend({ author: AuthorBody.nullable().exactOptional() }).register(BODIES, {
  id: "PostView",
});

/** A post in a list. It has `excerpt` in a search. */
export const ListedPostBody = PickedPost.extend({
  author: AuthorBody.nullable().exactOptional(),
  excerpt: z.string().exactOptional().meta({
    description:
      "A part of the content with matches of the search, as HTML: `<mark>` around each, and the rest escaped.",
  }),
}).register(BODIES, { id: "ListedPost" });

export type ListedPost = z.infer<typeof ListedPostBody>;

export const publicationTime = timeText({
  description: "The time of publication, if it is not now: for imports by admins. It cannot be in the future.",
  plus: "+",
  // No import has older posts, and PostgreSQL's drivers misread the years before 100.
  year: "[1-9]\\d{3}",
});

/** The fields of a query that change the representation of a post. */
interface View {
  readonly fields?: ReadonlySet<PostField>;
}

/** Posts are immutable, and a cache may return the same post to many requests. */
const postJson = keptJsonText(presentPost);

function presentPost(post: Post): z.infer<typeof PostBody> {
  return {
    id: post.id,
    title: post.title,
    content: post.content,
    status: post.status,
    authorId: post.authorId,
    publishedAt: post.publishedAt && post.publishedAt.toISOString(),
    version: post.version,
    createdAt: post.createdAt.toISOString(),
    updatedAt: post.updatedAt.toISOString(),
  };
}

/** A post with the additions of a query: its author, or the excerpt of a search. */
type ExtendedPost = Post & { readonly author?: AuthoredPost["author"]; readonly excerpt?: FoundPost["excerpt"] };

export function presentListedPost(post: ExtendedPost, { fields }: View): ListedPost {
  const { author, excerpt } = post;
  const picked = pickFields(presentPost(post), fields);
  if (author === undefined && excerpt === undefined) return picked;
  return {
    ...picked,
    ...(excerpt === undefined ? {} : { excerpt: excerptHtml(excerpt) }),
    ...(author === undefined ? {} : { author: author && { id: author.id, name: author.name } }),
  };
}

/** The JSON of {@link presentListedPost}. */
export function listedPostJson(post: ExtendedPost, view: View): JsonText<ListedPost> {
  const isWhole = view.fields === undefined && post.author === undefined && post.excerpt === undefined;
  return isWhole ? postJson(post) : jsonText(presentListedPost(post, view));
}

function pickFields(post: z.infer<typeof PostBody>, fields: View["fields"]): z.infer<typeof PickedPost> {
  if (fields === undefined) return post;
  const names = (Object.keys(post) as PostField[]).filter((name) => name === "id" || fields.has(name));
  return { ...Object.fromEntries(names.map((name) => [name, post[name]])), id: post.id };
}

export function postResource(post: Post) {
  return { version: post.version, body: presentPost(post) };
}
