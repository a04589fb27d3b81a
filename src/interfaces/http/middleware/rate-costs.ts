import type { Context } from "hono";
import type * as z from "zod";
import type { PostsFate } from "../../../domain/user/user-removal.ts";
import { validated } from "./validation.ts";

/**
 * The units that a request costs its address and its account, beyond the one unit of every request. One unit is the cost of reading
 * one post: 0.1 ms of the engine, and 0.3 ms with the event loop. Measured with 50,000 to 100,000 posts. A search and a count
 * are rounded down.
 */
const UNITS = {
  /** 20 further items of a page: the cost is per item, 0.6 ms for 20. */
  furtherItems: 1,
  /** The authors of a page: one more query. */
  include: 1,
  /** A write: commit, fsync and index. It takes 0.4 ms of processor time under load, and 2 ms alone. */
  write: 4,
  /** `count=true`: it reads each index entry of the list, 12 ms for 100,000. */
  count: 20,
  /** `q`: a search takes the engine as long as some 50 posts. It is not more, so that a page may search at each key stroke. */
  search: 10,
  /** Hashing or comparing a password: 10 ms of a core and 19 MiB, by design. */
  hash: 20,
  /** Deleting or reassigning all posts of a user: any number of batches of up to 50 ms of the engine. */
  bulk: 200,
} as const;

/** The number of items per unit. */
const ITEMS_PER_UNIT = 20;

/** The units of an operation beyond the one unit of every request. */
export interface Cost {
  readonly units: (c: Context) => number;
  /** The same as a part of a sentence, for the document of the API. */
  readonly description: string;
}

const flat = (units: number, what: string): Cost => ({ units: () => units, description: `${units} for ${what}` });

export const WRITE = flat(UNITS.write, "the write");
export const HASH = flat(UNITS.hash, "hashing the password");

interface PageParameters {
  readonly limit?: number | undefined;
}

interface PostPageParameters extends PageParameters {
  readonly include?: unknown;
  readonly count?: "true" | "false" | undefined;
  readonly q?: unknown;
}

const FURTHER_ITEMS = `${UNITS.furtherItems} for each ${ITEMS_PER_UNIT} of \`limit\` beyond the first ${ITEMS_PER_UNIT}`;

/** The cost of a page of users or sessions; `query` is the schema of its query. */
export function pageCost(query: z.ZodType<PageParameters>): Cost {
  return { units: (c) => pageUnits(validated(c, query)), description: FURTHER_ITEMS };
}

/** The cost of a page of posts. */
export function postPageCost(query: z.ZodType<PostPageParameters>): Cost {
  return {
    units: (c) => {
      const { limit, include, count, q } = validated(c, query);
      return (
        pageUnits({ limit }) +
        (include === undefined ? 0 : UNITS.include) +
        (count === "true" ? UNITS.count : 0) +
        (q === undefined ? 0 : UNITS.search)
      );
    },
    description: `${FURTHER_ITEMS}, ${UNITS.include} for \`include\`, ${UNITS.count} for \`count=true\`, ${UNITS.search} for \`q\``,
  };
}

/** The cost of deleting a user, with or without the user's posts. */
export function deletionCost(query: z.ZodType<PostsFate>): Cost {
  return {
    units: (c) => UNITS.write + (validated(c, query).kind === "keep" ? 0 : UNITS.bulk),
    description: `${WRITE.description}, ${UNITS.bulk} for \`posts\``,
  };
}

function pageUnits({ limit = ITEMS_PER_UNIT }: PageParameters): number {
  return (Math.ceil(limit / ITEMS_PER_UNIT) - 1) * UNITS.furtherItems;
}
