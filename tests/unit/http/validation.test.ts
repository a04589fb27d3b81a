import { describe, expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi, problemOf } from "../../support/api.ts";

describe("validation", () => {
  it("reports the first of two mistakes in one query parameter", async () => {
    const { nobody } = openApi(openMemoryStorage());
    const alone = await nobody.get("/v1/posts?published-after=2026-03-01T12:00:00Z&sort=title");
    const withTwo = await nobody.get("/v1/posts?published-after=2026-03-01T12:00:00Z&sort=relevance");
    expect(problemOf(withTwo)).toBe("422 validation_failed");
    const { errors } = alone.body as { errors: readonly object[] };
    expect(withTwo.body).toMatchObject({ errors });
    expect((await nobody.get("/v1/posts?sort=relevance")).body).not.toMatchObject({ errors });
  });
});
