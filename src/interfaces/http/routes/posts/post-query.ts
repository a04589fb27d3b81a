import * as z from "zod";
import type { UserId } from "../../../../domain/shared/id.ts";
import { POST_STATUSES } from "../../../../domain/post/post.ts";
import {
  POST_SORT_KEYS,
  type PostListQuery,
  type PostQuery,
  type PostSort,
} from "../../../../domain/post/post-list.ts";
import { PageQuery } from "../../pagination.ts";
import { idText, searchText, timeText } from "../../values.ts";
import { PostBody } from "./post-body.ts";

const SORTS = POST_SORT_KEYS.flatMap((by) => [by, `-${by}`] as const);

const FIELDS = PostBody.keyof().options;

const moment = (description: string) => timeText({ description, plus: "%2B" });

/** Some clients write a list as one value with commas; others repeat the parameter. */
const fields = z
  .union([z.string(), z.array(z.string())])
  .transform((raw, context) => {
    const named = z.array(PostBody.keyof()).safeParse([raw].flat().join(",").split(","));
    if (named.success) return new Set(named.data);
    const message = `This must be a comma-separated list of these: ${FIELDS.join(", ")}.`;
    context.addIssue({ code: "custom", message, params: { code: "not_allowed" } });
    return z.NEVER;
  })
  .meta({
    anyOf: undefined,
    type: "array",
    items: { type: "string", enum: FIELDS },
    minItems: 1,
    description:
      "The fields that each post has in the answer, comma-separated. `id` is always included. The page has the same posts as without `fields`.",
  });

const include = z.enum(["author"]).meta({ description: "`author` adds the author to the post." });

/** The query of a single post. */
export const SinglePostQuery = z.strictObject({ fields: fields.exactOptional(), include: include.exactOptional() });

const SORT =
  "The sort key; a leading `-` means descending order. `title` ignores case, accents and leading punctuation, and compares " +
  "whole numbers by value: Äpfel, Banana, Post 9, Post 10. `published` leaves drafts out. The default is `-created`. With " +
  "`published-after` or `published-before` the default is `-published`, and the only other value is `published`.";

const AuthorsListQuery = PageQuery.extend({
  status: z.enum(POST_STATUSES).exactOptional(),
  "published-after": moment("Only posts that were published after this time.").exactOptional(),
  "published-before": moment("Only posts that were published before this time.").exactOptional(),
  sort: z.enum(SORTS).meta({ description: SORT }).exactOptional(),
  fields: fields.exactOptional(),
  include: include.exactOptional(),
  count: z
    .enum(["true", "false"])
    .meta({
      type: "boolean",
      enum: undefined,
      description: "Whether the answer has `total`, the number of posts in the whole list.",
    })
    .exactOptional(),
});

const ListQuery = AuthorsListQuery.extend({
  q: searchText.exactOptional(),
  author: idText<UserId>().exactOptional(),
  sort: z
    .enum([...SORTS, "relevance"])
    .meta({ description: `${SORT} With \`q\` the only value is \`relevance\`.` })
    .exactOptional(),
});

/** The query of an author's list of posts. */
export const AuthorsPostsQuery = AuthorsListQuery.superRefine(checkPublicationFilters);

/** The query of the list of all posts. */
export const PostsQuery = ListQuery.superRefine(checkPublicationFilters).superRefine(checkRelevanceSort);

export type ListQuery = z.infer<typeof ListQuery>;

/** Each list is read from an index in its order. With bounds of publication, only the order of publication has an index. */
function checkPublicationFilters(query: ListQuery, context: z.RefinementCtx): void {
  const isBounded = query["published-after"] !== undefined || query["published-before"] !== undefined;
  const isByPublication = /^-?published$/.test(query.sort ?? "");
  const refuse = (parameter: "sort" | "status", message: string) =>
    context.addIssue({ code: "custom", path: [parameter], message, params: { code: "contradictory" } });
  if (isBounded && query.q === undefined && query.sort !== undefined && !isByPublication) {
    refuse(
      "sort",
      "With published-after or published-before, sort must be published or -published. Change it or leave it out.",
    );
  }
  if (query.status === "draft" && (isBounded || isByPublication)) {
    refuse("status", "Drafts have no time of publication. Leave this out, or the parameters that need that time.");
  }
}

/** The matches of a search are ranked, so no index has them in another order. */
function checkRelevanceSort({ q, sort }: ListQuery, context: z.RefinementCtx): void {
  if (sort === undefined || (q === undefined) !== (sort === "relevance")) return;
  const message =
    q === undefined
      ? "Sorting by relevance needs a search. Add q, or use another sort."
      : "A search with q is always sorted by relevance. Leave out sort or q.";
  context.addIssue({ code: "custom", path: ["sort"], message, params: { code: "contradictory" } });
}

/** The list or the search of a query for all posts. */
export function toPostQuery({ q: search, ...query }: ListQuery): PostQuery {
  return search === undefined ? toListQuery(query) : { kind: "search", ...criteriaOf(query), search };
}

/** The default order is newest first. With bounds of publication it is last published first. */
export function toListQuery(query: ListQuery): PostListQuery {
  const criteria = criteriaOf(query);
  const isBounded = criteria.publishedAfter !== null || criteria.publishedBefore !== null;
  const sort = query.sort ?? (isBounded ? "-published" : "-created");
  const descending = sort.startsWith("-");
  const by = (descending ? sort.slice(1) : sort) as PostSort["by"];
  return { kind: "list", ...criteria, sort: { by, descending } };
}

function criteriaOf(query: ListQuery): Omit<PostListQuery, "kind" | "sort"> {
  const {
    author: authorId = null,
    status = null,
    "published-after": publishedAfter = null,
    "published-before": publishedBefore = null,
  } = query;
  return { authorId, status, publishedAfter, publishedBefore };
}

/** Names a list for its cursors, so that a cursor of another list or of other parameters is rejected. */
export function postListName(list: string, { kind: _, ...query }: PostQuery): string {
  return `${list} ${JSON.stringify(query)}`;
}
