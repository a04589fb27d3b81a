import type { Id } from "./id.ts";

/**
 * A place in a list, and where a page goes from there: past the item that had this `id` and this `key`, whether it is
 * still there or not. The key is the item's value of what the list is sorted by, as text; `null` where that is the id
 * alone. As a page is bounded by a place and not by a count, what others insert or delete meanwhile moves nothing.
 */
export interface PageCursor<AnId extends Id<string> = Id<string>> {
  readonly direction: "forward" | "backward";
  readonly key: string | null;
  readonly id: AnId;
}

/** What one page of a list may hold. `from` is the `next` or the `previous` of another page; `null` asks for the first. */
export interface PageRequest<AnId extends Id<string>> {
  readonly limit: number;
  readonly from: PageCursor<AnId> | null;
}

/**
 * One page, in the order of its list. `next` and `previous` are what to ask for to go on and to go back; `null` at the
 * ends of the list, and both where everything beyond the place that was asked for is gone.
 */
export interface Page<Item extends { readonly id: Id<string> }> {
  readonly items: readonly Item[];
  readonly next: PageCursor<Item["id"]> | null;
  readonly previous: PageCursor<Item["id"]> | null;
}

/**
 * The page of the first `count` items of those that were read from a place, in the direction of its going, further than
 * the page by one at least where the list goes on. `keyOf` gives what the list is sorted by.
 */
export function pageOf<Item extends { readonly id: Id<string> }>(
  read: readonly Item[],
  count: number,
  from: PageCursor | null,
  keyOf: (item: Item) => string | null = () => null,
): Page<Item> {
  const isBackward = from?.direction === "backward";
  const shown = read.slice(0, count);
  const items = isBackward ? shown.toReversed() : shown;
  const past = (direction: PageCursor["direction"], item: Item | undefined) =>
    item === undefined ? null : { direction, key: keyOf(item), id: item.id };
  const goesOn = read.length > count;
  return {
    items,
    // Behind a page is what it was reached from.
    next: isBackward || goesOn ? past("forward", items.at(-1)) : null,
    previous: isBackward ? (goesOn ? past("backward", items[0]) : null) : from && past("backward", items[0]),
  };
}
