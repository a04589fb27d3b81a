import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { SearchPage } from "../../../src/domain/search/found-post.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi } from "../../support/api.ts";

const EMPTY: SearchPage = {
  items: [],
  next: null,
  previous: null,
  total: null,
  totalIsExact: true,
  isComplete: true,
};

/** An API whose searches find this page. */
function openSearch(page: Partial<SearchPage>) {
  const storage = openMemoryStorage();
  const posts = { ...storage.posts, search: async () => ok({ ...EMPTY, ...page }) };
  return openApi({ ...storage, posts }).nobody;
}

describe("the answer to a search", () => {
  it("has X-Search-Index: building while the index is incomplete, with and without authors", async () => {
    const nobody = openSearch({ isComplete: false });
    for (const path of ["/v1/posts?q=engine", "/v1/posts?q=engine&include=author"]) {
      expect((await nobody.get(path)).headers.get("X-Search-Index")).toBe("building");
    }
  });

  it("has no X-Search-Index once the index is complete", async () => {
    expect((await openSearch({}).get("/v1/posts?q=engine")).headers.has("X-Search-Index")).toBe(false);
  });

  it("says with count=true that its total of 1,000 is not exact", async () => {
    const nobody = openSearch({ total: 1_000, totalIsExact: false });
    expect((await nobody.get("/v1/posts?q=engine&count=true")).body).toMatchObject({
      total: 1_000,
      totalIsExact: false,
    });
  });

  it("has neither total nor totalIsExact without count=true", async () => {
    const { body } = await openSearch({}).get("/v1/posts?q=engine");
    expect(Object.keys(body as object)).toEqual(["items", "nextCursor", "previousCursor"]);
  });
});
