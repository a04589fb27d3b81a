import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi } from "../../support/api.ts";

describe("GET /v1/posts?q=", () => {
  it.each([
    [true, null],
    [false, "building"],
  ])("has X-Search-Index only while the index is being built (complete: %s)", async (isComplete, expected) => {
    const storage = openMemoryStorage({ accountQuotaBytes: 0 });
    const { nobody } = openApi({
      ...storage,
      posts: {
        ...storage.posts,
        search: async () =>
          ok({ items: [], next: null, previous: null, total: 1_000, totalIsExact: false, isComplete }),
      },
    });
    const reply = await nobody.get("/v1/posts?q=engine&count=true");
    expect(reply.headers.get("X-Search-Index")).toBe(expected);
    expect(reply.body).toMatchObject({ total: 1_000, totalIsExact: false });
  });
});
