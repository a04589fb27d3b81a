import { z } from "zod";
import type { UserId } from "../../domain/shared/id.ts";
import { POST_STATUSES } from "../../domain/post/post.ts";
import { POST_SORT_KEYS, type PostListQuery, type PostQuery, type PostSort } from "../../domain/post/post-list.ts";
import { PageQuery } from "./pagination.ts";
import { idText, searchText, timeText } from "./values.ts";

const SORTS = POST_SORT_KEYS.flatMap((by) => [by, `-${by}`] as const);

const FIELDS = ["id", "title", "content", "status", "authorId", "publishedAt", "version", "createdAt", "updatedAt"];
const SOME_FIELDS = new RegExp(`^(?:${FIELDS.join("|")})(?:,(?:${FIELDS.join("|")}))*$`);

const moment = (description: string) => timeText({ description, plus: "%2B" });

/** Some clients write a list as one value with commas, others repeat the parameter. */
const fields = z
  .union([z.string(), z.array(z.string())])
  .transform((raw, context) => {
    const names = [raw].flat().join(",");
    if (SOME_FIELDS.test(names)) return new Set(names.split(","));
    const message = `This must be one or more of these, with commas between: ${FIELDS.join(", ")}.`;
    context.addIssue({ code: "custom", message, params: { code: "not_allowed" } });
    return z.NEVER;
  })
  .meta({
    anyOf: undefined,
    type: "array",
    items: { type: "string", enum: FIELDS },
    minItems: 1,
    description:
      "The fields that each post has, with commas between. `id` is always among them. A page has as many posts as it would have whole.",
  });

const include = z.enum(["author"]).meta({ description: "`author` adds who wrote the post." });

/** The query of a single post. */
export const SinglePostQuery = z.strictObject({ fields: fields.exactOptional(), include: include.exactOptional() });

const SORT =
  "What to sort by, with `-` the last first. By `title` case, accents and leading punctuation do not count, and whole " +
  "numbers go by their value: Äpfel, Banana, Post 9, Post 10. By `published` drafts have no place. " +
  "The default is `-created`; within times of publication it is `-published`, and `published` the only other.";

const AuthorsListQuery = PageQuery.extend({
  status: z.enum(POST_STATUSES).exactOptional(),
  "published-after": moment("Only what was published later than this; drafts were not.").exactOptional(),
  "published-before": moment("Only what was published earlier than this; drafts were not.").exactOptional(),
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
    .meta({ description: `${SORT} With \`q\` it is \`relevance\`, and no other.` })
    .exactOptional(),
});

/** The query of an author's list of posts. */
export const AuthorsPostsQuery = AuthorsListQuery.superRefine(publicationIsOfPublished);

/** The query of the list of all posts. */
export const PostsQuery = ListQuery.superRefine(publicationIsOfPublished).superRefine(relevanceIsToWords);

export type ListQuery = z.infer<typeof ListQuery>;

/** Each list is read from an index in its order, and no index has another order within two times of publication. */
function publicationIsOfPublished(query: ListQuery, context: z.RefinementCtx): void {
  const isBounded = query["published-after"] !== undefined || query["published-before"] !== undefined;
  const isByPublication = /^-?published$/.test(query.sort ?? "");
  const refuse = (parameter: "sort" | "status", message: string) =>
    context.addIssue({ code: "custom", path: [parameter], message, params: { code: "contradictory" } });
  if (isBounded && query.q === undefined && query.sort !== undefined && !isByPublication) {
    refuse("sort", "With published-after or published-before this must be published or -published, or be left out.");
  }
  if (query.status === "draft" && (isBounded || isByPublication)) {
    refuse("status", "A draft has no time of publication. Leave this out, or what asks for that time.");
  }
}

/** What a search finds is ranked first, and then there is no index that has it in another order. */
function relevanceIsToWords({ q, sort }: ListQuery, context: z.RefinementCtx): void {
  if (sort === undefined || (q === undefined) !== (sort === "relevance")) return;
  const message =
    q === undefined
      ? "Relevance is that to what is searched for. Give q as well, or another sort."
      : "What is searched for with q comes by relevance. Leave this out, or q.";
  context.addIssue({ code: "custom", path: ["sort"], message, params: { code: "contradictory" } });
}

/** The list or the search that a query of all posts asks for. */
export function toPostQuery({ q: search, ...query }: ListQuery): PostQuery {
  return search === undefined ? toListQuery(query) : { kind: "search", ...criteriaOf(query), search };
}

/** The default order is the newest first, and with bounds of publication the last published first. */
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
