import * as z from "zod";
import type { Authors } from "../../../../application/posts/find-authors.ts";
import { POST_STATUSES, type Post } from "../../../../domain/post/post.ts";
import type { FoundPost } from "../../../../domain/search/found-post.ts";
import { excerptHtml } from "../../excerpt.ts";
import { keptJsonText } from "../../json-text.ts";
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

/** The JSON of a post. A cache may return the same post to many requests. */
export const postJson = keptJsonText(presentPost);

function presentPost(post: Post): z.infer<typeof PostBody> {
  const createdAt = post.createdAt.toISOString();
  // The three times take as long as the JSON of the rest of a post of 1 KB, and those of a new post are equal.
  const textOf = (time: Date) => (time.getTime() === post.createdAt.getTime() ? createdAt : time.toISOString());
  return {
    id: post.id,
    title: post.title,
    content: post.content,
    status: post.status,
    authorId: post.authorId,
    publishedAt: post.publishedAt && textOf(post.publishedAt),
    version: post.version,
    createdAt,
    updatedAt: textOf(post.updatedAt),
  };
}

/** A post of a list, or one that a search found. */
type FoundOrListedPost = Post & { readonly excerpt?: FoundPost["excerpt"] };

/** @param authors The authors of the posts of the list; `null` if it does not include them. */
export function presentListedPost(post: FoundOrListedPost, { fields }: View, authors: Authors | null): ListedPost {
  const { excerpt } = post;
  const picked = pickFields(presentPost(post), fields);
  if (authors === null && excerpt === undefined) return picked;
  return {
    ...picked,
    ...(excerpt === undefined ? {} : { excerpt: excerptHtml(excerpt) }),
    ...(authors === null ? {} : { author: presentAuthor(post, authors) }),
  };
}

function presentAuthor({ authorId }: Post, authors: Authors): NonNullable<ListedPost["author"]> | null {
  const author = authors.get(authorId);
  return author === undefined ? null : { id: author.id, name: author.name };
}

function pickFields(post: z.infer<typeof PostBody>, fields: View["fields"]): z.infer<typeof PickedPost> {
  if (fields === undefined) return post;
  const names = (Object.keys(post) as PostField[]).filter((name) => name === "id" || fields.has(name));
  return { ...Object.fromEntries(names.map((name) => [name, post[name]])), id: post.id };
}

export function postResource(post: Post) {
  return { version: post.version, body: presentPost(post) };
}
