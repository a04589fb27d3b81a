import type { Id } from "../../domain/shared/id.ts";
import type { PageRequest } from "../../domain/shared/page.ts";

interface Order<Row> {
  readonly keyOf: (row: Row) => string | null;
  readonly descending: boolean;
}

const NEWEST_FIRST: Order<unknown> = { keyOf: () => null, descending: true };

/** Clones of the rows after the cursor, in its direction: up to one more than the limit of the page. */
export function rowsFrom<AnId extends Id<string>, Row extends { readonly id: AnId }>(
  rows: Iterable<Row>,
  { from, limit }: PageRequest<AnId>,
  { keyOf, descending }: Order<Row> = NEWEST_FIRST,
): Row[] {
  const sign = descending === (from?.direction === "backward") ? 1 : -1;
  const keyed = [...rows].map((row) => ({ row, key: keyOf(row), id: row.id }));
  return keyed
    .filter((row) => from === null || sign * compare(row, from) > 0)
    .toSorted((a, b) => sign * compare(a, b))
    .slice(0, limit + 1)
    .map(({ row }) => structuredClone(row));
}

interface SortPosition {
  readonly key: string | null;
  readonly id: string;
}

function compare(a: SortPosition, b: SortPosition): number {
  return compareCodePoints(a.key ?? "", b.key ?? "") || compareCodePoints(a.id, b.id);
}

/** Compares as PostgreSQL's collation "C" does in UTF-8. JavaScript's `<` differs for characters beyond U+FFFF. */
function compareCodePoints(a: string, b: string): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return (a.codePointAt(i) ?? -1) - (b.codePointAt(i) ?? -1);
}
