import type { Context } from "hono";
import type { PostsFate } from "../../../domain/user/user-removal.ts";
import type { ListQuery } from "../post-query.ts";

/**
 * The units that a request takes from the budgets of its address and of its account, beyond the one that each request takes.
 * One unit stands for a read of one post: 0.1 ms of the engine, and 0.3 ms with the event loop. Measured with 50,000 to
 * 100,000 posts; a search and a count are rounded down, so that a page that searches at each key stroke is no flood.
 */
const UNITS = {
  /** A further 20 items of a page: it is read, sorted and rendered by item, 20 in 0.6 ms. */
  furtherItems: 1,
  /** The authors of a page: one more query. */
  include: 1,
  /** A write: a commit, fsync and the index, 0.4 ms of processor time where many write and 2 ms for one alone. */
  write: 4,
  /** `count=true`: each index entry of the list is read, 12 ms for 100,000. */
  count: 20,
  /** `q`: a search takes the engine 3 to 50 ms. */
  search: 20,
  /** A password that is hashed or compared: 10 ms of a core and 19 MiB, on purpose. */
  hash: 20,
  /** What becomes of all posts of a user: batches that take up to 50 ms of the engine each, any number of them. */
  bulk: 200,
} as const;

/** The items of a page that the unit of each request pays for. */
const ITEMS_PER_UNIT = 20;

/** The units of an operation beyond the one of each request, and how the document of the API says that. */
export interface Cost {
  /** Reads what the validators before it have found. */
  readonly units: (c: Context) => number;
  readonly description: string;
}

const flat = (units: number, what: string): Cost => ({ units: () => units, description: `${units} for ${what}` });

export const WRITE = flat(UNITS.write, "the write");
export const HASH = flat(UNITS.hash, "the password that is hashed");

/** A page of users or sessions. */
export const PAGE: Cost = {
  units: (c) => pageUnits(validatedQuery(c)),
  description: `${UNITS.furtherItems} for each ${ITEMS_PER_UNIT} of \`limit\` beyond the first ${ITEMS_PER_UNIT}`,
};

/** A page of posts. */
export const POST_PAGE: Cost = {
  units: (c) => {
    const query = validatedQuery<ListQuery>(c);
    return (
      pageUnits(query) +
      (query.include === undefined ? 0 : UNITS.include) +
      (query.count === "true" ? UNITS.count : 0) +
      (query.q === undefined ? 0 : UNITS.search)
    );
  },
  description: `${PAGE.description}, ${UNITS.include} for \`include\`, ${UNITS.count} for \`count=true\`, ${UNITS.search} for \`q\``,
};

/** A user who is deleted, and what becomes of the posts. */
export const DELETION: Cost = {
  units: (c) => UNITS.write + (validatedQuery<PostsFate>(c).kind === "keep" ? 0 : UNITS.bulk),
  description: `${WRITE.description}, ${UNITS.bulk} for \`posts\``,
};

function pageUnits({ limit = ITEMS_PER_UNIT }: Pick<ListQuery, "limit">): number {
  return (Math.ceil(limit / ITEMS_PER_UNIT) - 1) * UNITS.furtherItems;
}

function validatedQuery<Query>(c: Context): Query {
  return c.req.valid("query" as never);
}
