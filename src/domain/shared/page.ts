import type { Id } from "./id.ts";

/** The maximum number of items of a page. */
export const MAX_PAGE_LIMIT = 100;

/**
 * A cursor of keyset pagination: the page continues after the item with this sort key and id, in this direction. The item may
 * have been deleted since. Writes between two pages neither repeat nor skip other items, as no page is found by an offset.
 */
export interface PageCursor<AnId extends Id<string> = Id<string>> {
  readonly direction: "forward" | "backward";
  /** The item's sort key as text; `null` in a list that is ordered by id alone. */
  readonly key: string | null;
  readonly id: AnId;
}

export interface PageRequest<AnId extends Id<string>> {
  /** From 1 to {@link MAX_PAGE_LIMIT}. */
  readonly limit: number;
  /** The `next` or the `previous` cursor of another page; `null` for the first page. */
  readonly from: PageCursor<AnId> | null;
}

/** A request for a page, and with `isCounted` for the size of its list. */
export interface CountedPageRequest<AnId extends Id<string>> extends PageRequest<AnId> {
  readonly isCounted?: boolean;
}

/** One page, in the order of its list. A cursor is `null` when the list ends in its direction, and on an empty page. */
export interface Page<Item extends { readonly id: Id<string> }> {
  readonly items: readonly Item[];
  readonly next: PageCursor<Item["id"]> | null;
  readonly previous: PageCursor<Item["id"]> | null;
}

/** A page with the number of items in its whole list, both read from one snapshot; `null` when it was not requested. */
export interface CountedPage<Item extends { readonly id: Id<string> }> extends Page<Item> {
  readonly total: number | null;
}

/**
 * Makes a page of the first `count` rows.
 *
 * @param rows Rows after the cursor in its direction. A row beyond `count` only shows that the list continues.
 * @param keyOf Returns the sort key of an item.
 */
export function toPage<Item extends { readonly id: Id<string> }>(
  rows: readonly Item[],
  count: number,
  from: PageCursor | null,
  keyOf: (item: Item) => string | null = () => null,
): Page<Item> {
  const isBackward = from?.direction === "backward";
  const shown = rows.slice(0, count);
  const items = isBackward ? shown.toReversed() : shown;
  const cursor = (direction: PageCursor["direction"], item: Item | undefined) =>
    item === undefined ? null : { direction, key: keyOf(item), id: item.id };
  const hasMore = rows.length > count;
  return {
    items,
    // A page that was reached by a cursor has a neighbour on the side of that cursor.
    next: isBackward || hasMore ? cursor("forward", items.at(-1)) : null,
    previous: isBackward ? (hasMore ? cursor("backward", items[0]) : null) : from && cursor("backward", items[0]),
  };
}
