import { createHmac, hkdfSync } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hkdf, hmac } from "../../../src/infrastructure/crypto/hkdf.ts";

describe("hkdf", () => {
  it("derives the same bytes as Node's HKDF-SHA-256", () => {
    const text = fc.string({ unit: "binary", maxLength: 200 });
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 1, max: 200 }), (secret, salt, info, bytes) => {
        const expected = Buffer.from(hkdfSync("sha256", secret, salt, info, bytes));
        expect(hkdf(secret, salt, info, bytes).equals(expected)).toBe(true);
      }),
    );
  });
});

describe("hmac", () => {
  it("returns the same bytes as Node's HMAC-SHA-256", () => {
    const bytes = fc.uint8Array({ maxLength: 200 });
    fc.assert(
      fc.property(bytes, bytes, (key, message) => {
        expect(hmac(key, message).equals(createHmac("sha256", key).update(message).digest())).toBe(true);
      }),
    );
  });

  it.each([0, 63, 64, 65])("returns the same bytes as Node's HMAC-SHA-256 for a key of %i bytes", (length) => {
    const [key, message] = [Buffer.alloc(length, 1), Buffer.from("message")];
    expect(hmac(key, message).equals(createHmac("sha256", key).update(message).digest())).toBe(true);
  });
});
