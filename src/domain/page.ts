import type { Id } from "./id.ts";

/** What one page of a list may hold. `before` is the id that the page before ended with; `null` asks for the first. */
export interface PageRequest<AnId extends Id<string>> {
  readonly limit: number;
  readonly before: AnId | null;
}

/**
 * One page, newest first. `next` is what to ask for as `before` to go on, `null` at the end. Because ids grow with time
 * and a page is bounded by an id and not by a count, rows that others insert or delete meanwhile move nothing.
 */
export interface Page<Item extends { readonly id: string }> {
  readonly items: readonly Item[];
  readonly next: Item["id"] | null;
}

/** The page of the first `count` items of a list that was read further, by one at least where the list goes on. */
export function firstPage<Item extends { readonly id: string }>(items: readonly Item[], count: number): Page<Item> {
  return pageOf(items.slice(0, count), items.length > count);
}

export function pageOf<Item extends { readonly id: string }>(items: readonly Item[], goesOn: boolean): Page<Item> {
  return { items, next: goesOn ? (items.at(-1)?.id ?? null) : null };
}
