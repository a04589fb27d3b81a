import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { nodeGzip } from "../../../src/infrastructure/node/gzip.ts";

describe("nodeGzip", () => {
  it.each([0, 1, 16_383, 16_384, 1_048_576])("compresses a body of %d bytes without a loss", async (length) => {
    const body = new TextEncoder().encode("Quire ".repeat(length / 6 + 1).slice(0, length));
    const compressed = await nodeGzip(body);
    expect(gunzipSync(compressed).equals(body)).toBe(true);
    if (length > 100) expect(compressed.length).toBeLessThan(length / 10);
  });
});
