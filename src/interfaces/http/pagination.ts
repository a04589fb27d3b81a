import type { Context } from "hono";
import type { Result } from "neverthrow";
import * as z from "zod";
import type { Id } from "../../domain/shared/id.ts";
import { MAX_PAGE_LIMIT, type Page, type PageRequest } from "../../domain/shared/page.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { weakEtag, preconditionResponse } from "./etag.ts";
import { failureProblem, problem, type UseCaseError } from "./problem/problem.ts";
import { jsonBytes, jsonText, type JsonBytes } from "./json-text.ts";
import { jsonBytesResponse } from "./resource-response.ts";
import { appendHeader, publicPath } from "./respond.ts";

const DEFAULT_LIMIT = 20;

/** The body of a page of a list. */
export function pageBody<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().meta({ description: "The cursor of the next page; `null` on the last page." }),
    previousCursor: z
      .string()
      .nullable()
      .meta({ description: "The cursor of the previous page; `null` on the first page." }),
  });
}

/** The query of every list. */
export const PageQuery = z.strictObject({
  limit: z
    .string()
    .transform((raw, context) => {
      const limit = /^\d{1,3}$/.test(raw) ? Number(raw) : 0;
      if (limit >= 1 && limit <= MAX_PAGE_LIMIT) return limit;
      const message = `This must be a whole number from 1 to ${MAX_PAGE_LIMIT}.`;
      context.addIssue({ code: "custom", message, params: { code: "out_of_range" } });
      return z.NEVER;
    })
    .meta({
      type: "integer",
      minimum: 1,
      maximum: MAX_PAGE_LIMIT,
      default: DEFAULT_LIMIT,
      description:
        "The maximum number of items. A page of posts may have fewer, so that its JSON stays below 1 MiB after the first post.",
    })
    .optional(),
  cursor: z
    .string()
    .meta({ description: "The `nextCursor` or `previousCursor` of a page of this list, unchanged." })
    .optional(),
});

/** A page, and `total`, the number of items in its list, if the request has `count`. A search may not count them all. */
type FoundPage<Item extends { readonly id: Id<string> }> = Page<Item> & {
  readonly total?: number | null;
  readonly totalIsExact?: boolean;
};

interface PageAnswer<
  Item extends { readonly id: Id<string> },
  Found extends FoundPage<Item>,
  Failure extends UseCaseError,
  Body extends object,
> {
  /** The name of the list. A cursor is valid only for the list that it was made for. */
  readonly list: string;
  readonly query: z.infer<typeof PageQuery>;
  /** Whether a cursor's key has the type of the list's sort key. By default the list is sorted by id, without a key. */
  readonly isKey?: (key: string | null) => boolean;
  readonly find: (request: PageRequest<Item["id"]>) => Promise<Result<Found, Failure>>;
  readonly present: (item: Item, page: Found) => Body;
  /** A value that changes whenever the presented item does: for the ETag of the page. */
  readonly state: (item: Item, page: Found) => unknown;
  readonly kept?: KeptAnswers<Found, Body>;
}

/** Keeps the last answer of a page that is frozen, because a cache returns the same page to many requests. */
interface KeptAnswers<Found, Body extends object> {
  readonly answers: KeptPages<Body>;
  /** The page as the storage has returned it. It never changes. */
  readonly pageOf: (page: Found) => object;
  /** The other data in the answer, beside the page and the URL. */
  readonly variantOf: (page: Found) => string;
}

/** It refers to no request, because it is kept as long as the page. */
interface RenderedPage<Body extends object> {
  readonly etag: string;
  readonly cursors: PageCursors;
  /** Made when it is needed first: a 304 has none. */
  content: PageContent<Body> | null;
}

interface PageContent<Body extends object> {
  readonly links: readonly string[];
  readonly json: JsonBytes<{ items: Body[] } & PageCursors>;
}

/** The last answer of each page, with its URL and variant. */
export type KeptPages<Body extends object> = WeakMap<
  object,
  { readonly key: string; readonly rendered: RenderedPage<Body> }
>;

/**
 * Answers with a page, unless a precondition answers first. It decodes the cursor (422 if it is invalid), finds the page, and
 * links the next and the previous page (RFC 8288).
 */
export async function pageResponse<
  Item extends { readonly id: Id<string> },
  Found extends FoundPage<Item>,
  Failure extends UseCaseError,
  Body extends object,
>(c: Context, answer: PageAnswer<Item, Found, Failure, Body>) {
  const { list, query, isKey = (key) => key === null, find } = answer;
  const { limit = DEFAULT_LIMIT, cursor } = query;
  const from = cursor === undefined ? null : decodeCursor<Item["id"]>(list, cursor);
  if (cursor !== undefined && (from === null || !isKey(from.key))) return malformedCursor(c);
  const found = await find({ limit, from });
  if (found.isErr()) return failureProblem(c, found.error);
  const rendered = renderedPage(c, found.value, answer);
  const answered = preconditionResponse(c, rendered.etag);
  if (answered !== null) return answered;
  rendered.content ??= pageContent(c, found.value, rendered.cursors, answer);
  const { links, json } = rendered.content;
  for (const link of links) appendHeader(c, "Link", link);
  return jsonBytesResponse(c, json, 200);
}

/** The kept answer of a page, or a new one. */
function renderedPage<
  Item extends { readonly id: Id<string> },
  Found extends FoundPage<Item>,
  Failure extends UseCaseError,
  Body extends object,
>(c: Context, page: Found, answer: PageAnswer<Item, Found, Failure, Body>): RenderedPage<Body> {
  const { kept } = answer;
  if (kept === undefined) return renderPage(page, answer);
  const stored = kept.pageOf(page);
  // Requests share no other pages, so to keep their answers would only be work for the garbage collector.
  if (!Object.isFrozen(stored)) return renderPage(page, answer);
  const key = JSON.stringify([publicPath(c, c.req.url), kept.variantOf(page)]);
  const before = kept.answers.get(stored);
  if (before?.key === key) return before.rendered;
  const rendered = renderPage(page, answer);
  kept.answers.set(stored, { key, rendered });
  return rendered;
}

function renderPage<
  Item extends { readonly id: Id<string> },
  Found extends FoundPage<Item>,
  Failure extends UseCaseError,
  Body extends object,
>(found: Found, { list, state }: PageAnswer<Item, Found, Failure, Body>): RenderedPage<Body> {
  const { items, next, previous, total = null, totalIsExact } = found;
  const nextCursor = next && encodeCursor(list, next);
  const previousCursor = previous && encodeCursor(list, previous);
  const cursors = { nextCursor, previousCursor, ...countOf(total, totalIsExact) };
  return { etag: weakEtag([items.map((item) => state(item, found)), cursors]), cursors, content: null };
}

function pageContent<
  Item extends { readonly id: Id<string> },
  Found extends FoundPage<Item>,
  Failure extends UseCaseError,
  Body extends object,
>(
  c: Context,
  found: Found,
  cursors: PageCursors,
  { query, present }: PageAnswer<Item, Found, Failure, Body>,
): PageContent<Body> {
  const body = { items: found.items.map((item) => present(item, found)), ...cursors };
  return { links: linksOf(c, query, cursors), json: jsonBytes(jsonText(body)) };
}

export interface PageCursors extends Count {
  readonly nextCursor: string | null;
  readonly previousCursor: string | null;
}

/** The links to the next and the previous page, with the parameters of the request. */
function linksOf(
  c: Context,
  { limit = DEFAULT_LIMIT }: z.infer<typeof PageQuery>,
  { nextCursor, previousCursor }: PageCursors,
): readonly string[] {
  // A list such as `fields` may be one parameter with commas, or a repeated parameter.
  const parameters = Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.join(",")]),
  );
  const link = (rel: "next" | "prev", linked: string | null) => {
    if (linked === null) return [];
    const search = new URLSearchParams({ ...parameters, limit: String(limit), cursor: linked });
    return [`<${publicPath(c, c.req.path)}?${search.toString()}>; rel="${rel}"`];
  };
  return [...link("next", nextCursor), ...link("prev", previousCursor)];
}

/** The counts in a body. */
export interface Count {
  readonly total?: number;
  readonly totalIsExact?: boolean;
}

function countOf(total: number | null, isExact: boolean | undefined): Count {
  if (total === null) return {};
  return isExact === undefined ? { total } : { total, totalIsExact: isExact };
}

function malformedCursor(c: Context) {
  const detail =
    "This cursor does not belong to this list, filter and sort. Use nextCursor or previousCursor of a page with the same parameters, or leave it out.";
  return problem(c, "validation_failed", {
    errors: [{ in: "query", pointer: "/cursor", code: "malformed_cursor", detail }],
  });
}
