import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { SessionTokens } from "../application/ports/session-tokens.ts";

/** The contract of every SessionTokens. */
export function sessionTokensContract(name: string, tokens: SessionTokens): void {
  describe(`SessionTokens of ${name}`, () => {
    it("issues 256 bits as base64url without padding", async () => {
      for (let i = 0; i < 100; i++) {
        const { token } = await tokens.issue();
        expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
        const bytes = Buffer.from(token, "base64url");
        expect(bytes).toHaveLength(32);
        expect(bytes.toString("base64url")).toBe(token);
      }
    });

    it("never issues a token twice", async () => {
      const issued = await Promise.all(Array.from({ length: 1_000 }, async () => tokens.issue()));
      expect(new Set(issued.map(({ token }) => token)).size).toBe(1_000);
      expect(new Set(issued.map(({ digest }) => digest)).size).toBe(1_000);
    });

    it("uses every bit of a token", async () => {
      const issued = await Promise.all(Array.from({ length: 200 }, async () => tokens.issue()));
      const bytes = issued.map(({ token }) => Buffer.from(token, "base64url"));
      const ever = Array.from({ length: 32 }, (_, i) => bytes.reduce((bits, each) => bits | (each[i] ?? 0), 0));
      const always = Array.from({ length: 32 }, (_, i) => bytes.reduce((bits, each) => bits & (each[i] ?? 0), 0xff));
      expect(ever).toEqual(Array.from({ length: 32 }, () => 0xff));
      expect(always).toEqual(Array.from({ length: 32 }, () => 0));
    });

    it("issues a token together with its digest", async () => {
      const { token, digest } = await tokens.issue();
      expect(await tokens.digest(token)).toBe(digest);
    });

    it.each([
      ["the empty string", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
      ["abc", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ])("digests %s to the SHA-256 of FIPS 180-4 in lower-case hexadecimal", async (_, text, expected) => {
      expect(await tokens.digest(text)).toBe(expected);
    });

    it.each(["é", "😀 漢字", "\uD800", "\0", "x".repeat(100_000)])(
      "digests any string as UTF-8 (case %#)",
      async (text) => {
        const expected = createHash("sha256").update(new TextEncoder().encode(text)).digest("hex");
        expect(await tokens.digest(text)).toBe(expected);
      },
    );
  });
}
