import { asc, desc, gt, lt, type SQL } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { PageCursor } from "../../domain/shared/page.ts";

/** How the rows past a place are selected, in the direction of its going, in a list that is sorted by ids alone. */
export function newestFirst(id: PgColumn, from: PageCursor | null): { past: SQL | undefined; order: SQL } {
  if (from === null) return { past: undefined, order: desc(id) };
  return from.direction === "forward"
    ? { past: lt(id, from.id), order: desc(id) }
    : { past: gt(id, from.id), order: asc(id) };
}
