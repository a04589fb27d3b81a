import { describe, expect, it } from "vitest";
import { problemOf, type OpenRemoteApi } from "../../support/api.ts";
import { countPosts, idOf, POST, replayable } from "./replays.ts";

/** The syntax of an Idempotency-Key. It does not depend on the storage, so it runs on memory only. */
export function httpIdempotencyKeyRules(open: OpenRemoteApi) {
  describe("Idempotency-Key", () => {
    it("is the same key with and without quotes", async () => {
      const { author } = await open();
      const ada = await author();
      const bare = crypto.randomUUID();
      const first = await ada.post("/v1/posts", POST, { "Idempotency-Key": bare });
      expect(idOf(await ada.post("/v1/posts", POST, { "Idempotency-Key": `"${bare}"` }))).toBe(idOf(first));
    });

    it.each([
      "",
      "short",
      `"${"x".repeat(15)}"`,
      "x".repeat(256),
      `"${"x".repeat(20)}`,
      `${"x".repeat(20)}"`,
      "with a space in the middle",
      "0123456789abcdef, 0123456789abcdef",
      String.raw`"0123456789\"abcdef"`,
      "0123456789abcdef\u00E9",
    ])("rejects the key %j with 400 and names the valid form", async (key) => {
      const { author } = await open();
      const ada = await author();
      const refused = await ada.post("/v1/posts", POST, { "Idempotency-Key": key });
      expect(problemOf(refused)).toBe("400 malformed_idempotency_key");
      expect((refused.body as { detail: string }).detail).toContain("UUID");
      expect(await countPosts(ada)).toBe(0);
    });

    it.each(["x".repeat(16), "x".repeat(255), "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"])("accepts the key %j", async (key) => {
      const { author } = await open();
      const ada = await author();
      const first = await ada.post("/v1/posts", POST, { "Idempotency-Key": key });
      expect(first.status).toBe(201);
      expect(replayable(await ada.post("/v1/posts", POST, { "Idempotency-Key": key }))).toEqual(replayable(first));
    });
  });
}
