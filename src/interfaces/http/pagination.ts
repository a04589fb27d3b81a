import type { Context } from "hono";
import type { Result } from "neverthrow";
import { z } from "zod";
import type { Id } from "../../domain/id.ts";
import type { Page, PageRequest } from "../../domain/page.ts";
import { decodeCursor, encodeCursor } from "./cursor.ts";
import { failureProblem, problem, type UseCaseError } from "./problem.ts";
import { jsonResponse } from "./resource-response.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** The query of every list. */
export const PageQuery = z.strictObject({
  limit: z
    .string()
    .transform((raw, context) => {
      const limit = /^\d{1,3}$/.test(raw) ? Number(raw) : 0;
      if (limit >= 1 && limit <= MAX_LIMIT) return limit;
      const message = `This must be a whole number from 1 to ${MAX_LIMIT}.`;
      context.addIssue({ code: "custom", message, params: { code: "out_of_range" } });
      return z.NEVER;
    })
    .optional(),
  cursor: z.string().optional(),
});

interface PageAnswer<Item extends { readonly id: Id<string> }, Failure extends UseCaseError, Body extends object> {
  /** Names the list: its cursors are refused by every other. */
  readonly list: string;
  readonly query: z.infer<typeof PageQuery>;
  readonly find: (request: PageRequest<Item["id"]>) => Promise<Result<Page<Item>, Failure>>;
  readonly present: (item: Item) => Body;
}

/** Answers with a page: reads its cursor (422 when it is none), finds it, and links the next one (RFC 8288). */
export async function pageResponse<
  Item extends { readonly id: Id<string> },
  Failure extends UseCaseError,
  Body extends object,
>(c: Context, { list, query: { limit = DEFAULT_LIMIT, cursor }, find, present }: PageAnswer<Item, Failure, Body>) {
  const before = cursor === undefined ? null : decodeCursor<Item["id"]>(list, cursor);
  if (cursor !== undefined && before === null) return malformedCursor(c);
  const found = await find({ limit, before });
  if (found.isErr()) return failureProblem(c, found.error);
  const { items, next } = found.value;
  const nextCursor = next === null ? null : encodeCursor(list, next);
  if (nextCursor !== null) {
    const query = new URLSearchParams({ ...c.req.query(), limit: String(limit), cursor: nextCursor });
    c.header("Link", `<${c.req.path}?${query.toString()}>; rel="next"`);
  }
  return jsonResponse(c, { items: items.map(present), nextCursor }, 200);
}

function malformedCursor(c: Context) {
  const detail = "This is no cursor of this list. Take nextCursor from a page of it, unchanged, or leave it out.";
  return problem(c, "validation_failed", {
    errors: [{ in: "query", pointer: "/cursor", code: "malformed_cursor", detail }],
  });
}
