import { asc, desc, gt, lt, type SQL } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { PageCursor } from "../../domain/shared/page.ts";

/** The condition and the order of a page after a cursor, for a list in descending order of ids. */
export function newestFirst(id: PgColumn, from: PageCursor | null): { after: SQL | undefined; order: SQL } {
  if (from === null) return { after: undefined, order: desc(id) };
  return from.direction === "forward"
    ? { after: lt(id, from.id), order: desc(id) }
    : { after: gt(id, from.id), order: asc(id) };
}
