import { describe, expect, it } from "vitest";
import { compose } from "../../../src/bootstrap/compose.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";

describe("compose", () => {
  it("serves the API on a storage alone, with a default for every other adapter", async () => {
    const { app } = compose(openMemoryStorage());
    const response = await app.request("/v1/posts");
    expect(await response.json()).toEqual({ items: [], nextCursor: null, previousCursor: null });
    expect(response.headers.get("RateLimit-Policy")).toBe('"address";q=6000;w=60;quire-cost=1');
    expect((await app.request("/health/ready")).status).toBe(200);
  });
});
