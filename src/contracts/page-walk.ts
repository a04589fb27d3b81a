import { expect } from "vitest";
import type { Id } from "../domain/shared/id.ts";
import type { Page, PageRequest } from "../domain/shared/page.ts";

/**
 * Reads a whole list forward and backward in pages of every size, and expects the same pages in both directions.
 *
 * @param expected All items of the list in order, at least three.
 */
export async function expectSamePagesBothWays<Item extends { readonly id: Id<string> }>(
  expected: readonly Item[],
  pageAt: (request: PageRequest<Item["id"]>) => Promise<Page<Item>>,
): Promise<void> {
  expect(expected.length).toBeGreaterThan(2);
  for (const limit of [1, 2, expected.length - 1, expected.length, expected.length + 1]) {
    const forward = [await pageAt({ limit, from: null })];
    while (forward.at(-1)?.next) forward.push(await pageAt({ limit, from: forward.at(-1)?.next ?? null }));
    expect(forward.flatMap(({ items }) => items)).toEqual(expected);
    expect(forward).toHaveLength(Math.ceil(expected.length / limit));
    expect(forward[0]?.previous).toBeNull();
    const back = forward.slice(-1);
    while (back[0]?.previous) back.unshift(await pageAt({ limit, from: back[0].previous }));
    expect(back).toEqual(forward);
  }
}
