import type { Id } from "../../domain/id.ts";
import type { PageRequest } from "../../domain/page.ts";

/** The rows after `before`, newest first: one more than the page's limit where there are, each a clone. */
export function newestFirst<AnId extends Id<string>, Row extends { readonly id: AnId }>(
  rows: Iterable<Row>,
  { before, limit }: PageRequest<AnId>,
): Row[] {
  return [...rows]
    .filter((row) => before === null || row.id < before)
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, limit + 1)
    .map((row) => structuredClone(row));
}
