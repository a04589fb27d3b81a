import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Idempotency } from "../application/idempotency/idempotency.ts";
import type { IdempotencyCipher } from "../application/ports/idempotency-cipher.ts";
import type { SealedResult } from "../domain/shared/idempotency-record.ts";
import type { UserId } from "../domain/shared/id.ts";

const REQUEST: Idempotency = {
  key: "8e03978e-40d5-43dd-bc93-6894a57f9324",
  owner: "00000000-0000-7000-8000-000000000001" as UserId,
  operation: "POST /v1/posts",
  body: '{"title":"Hello"}',
};
const OTHER_USER = "00000000-0000-7000-8000-000000000002" as UserId;
const TEXT = 'snapshot/1 {"token":"a secret 🔑"}';

/** Takes 30 kB compressed. */
const INCOMPRESSIBLE = Array.from({ length: 1000 }, (_, index) =>
  createHash("sha256").update(String(index)).digest("hex"),
).join("");

/** The contract of every IdempotencyCipher. */
export function idempotencyCipherContract(name: string, cipher: IdempotencyCipher): void {
  describe(`IdempotencyCipher of ${name}`, () => {
    const cipherFor = async (fields: Partial<Idempotency> = {}) => cipher.forRequest({ ...REQUEST, ...fields });

    it("derives the same digest and fingerprint from the same request each time", async () => {
      const [one, other] = [await cipherFor(), await cipherFor()];
      expect([one.keyDigest, one.fingerprint]).toEqual([other.keyDigest, other.fingerprint]);
      expect(one.keyDigest).toMatch(/^(?:[0-9a-f]{2})+$/);
    });

    it.each<[string, Partial<Idempotency>]>([
      ["another body", { body: '{"title": "Hello"}' }],
      ["another operation", { operation: "POST /v1/users" }],
    ])("derives the same digest and another fingerprint from %s with the same key", async (_, fields) => {
      const [one, other] = [await cipherFor(), await cipherFor(fields)];
      expect(other.keyDigest).toBe(one.keyDigest);
      expect(other.fingerprint).not.toBe(one.fingerprint);
    });

    it.each<[string, Partial<Idempotency>]>([
      ["another key", { key: `${REQUEST.key}0` }],
      ["another owner", { owner: OTHER_USER }],
      ["no owner", { owner: null }],
    ])("derives another digest and another fingerprint from %s", async (_, fields) => {
      const [one, other] = [await cipherFor(), await cipherFor(fields)];
      expect(other.keyDigest).not.toBe(one.keyDigest);
      expect(other.fingerprint).not.toBe(one.fingerprint);
    });

    it("derives another digest from each operation of requests without an owner", async () => {
      const here = await cipherFor({ owner: null });
      const there = await cipherFor({ owner: null, operation: "POST /v1/users" });
      expect(there.keyDigest).not.toBe(here.keyDigest);
    });

    it.each(["", TEXT, "\u0001".repeat(1_048_576), "a word and ".repeat(200), INCOMPRESSIBLE])(
      "opens a text that it has sealed, and seals the same text differently each time (case %#)",
      async (text) => {
        const sealing = await cipherFor();
        const sealed = [await sealing.seal(text), await sealing.seal(text)] as const;
        expect(sealed[0]).not.toBe(sealed[1]);
        for (const each of sealed) expect((await (await cipherFor()).open(each)) === text).toBe(true);
      },
    );

    it("seals to ASCII, so that the length of a sealed text is its size in bytes", async () => {
      expect(await (await cipherFor()).seal(TEXT)).toMatch(/^[\x20-\x7E]+$/);
    });

    it("discloses neither the key, the body and the sealed text nor an unkeyed digest of them", async () => {
      const sealing = await cipherFor();
      const sealed = await sealing.seal(TEXT);
      const stored = [
        sealing.keyDigest,
        sealing.fingerprint,
        sealed,
        Buffer.from(sealed, "base64").toString("latin1"),
      ].join(" ");
      for (const secret of [REQUEST.key, "Hello", "a secret", "token"]) expect(stored).not.toContain(secret);
      const digests = [REQUEST.key, REQUEST.body].map((text) => createHash("sha256").update(text).digest("hex"));
      for (const digest of digests) expect(stored).not.toContain(digest);
    });

    it.each<[string, Partial<Idempotency>]>([
      ["with another key", { key: `${REQUEST.key}0` }],
      ["for another owner", { owner: OTHER_USER }],
      ["for another body", { body: "" }],
      ["for another operation", { operation: "POST /v1/users" }],
    ])("does not open a text that was sealed %s", async (_, fields) => {
      const sealed = await (await cipherFor(fields)).seal(TEXT);
      await expect((await cipherFor()).open(sealed)).rejects.toThrow();
    });

    it("does not open a sealed text with one changed character", async () => {
      const sealing = await cipherFor();
      const sealed = await sealing.seal(TEXT);
      for (const index of [0, 20, 40, Math.floor(sealed.length / 2)]) {
        const other = sealed[index] === "A" ? "B" : "A";
        const changed = (sealed.slice(0, index) + other + sealed.slice(index + 1)) as SealedResult;
        await expect(sealing.open(changed)).rejects.toThrow();
      }
    });

    it("does not open a truncated sealed text", async () => {
      const sealing = await cipherFor();
      const sealed = await sealing.seal(TEXT);
      await expect(sealing.open(sealed.slice(0, -8) as SealedResult)).rejects.toThrow();
      await expect(sealing.open("" as SealedResult)).rejects.toThrow();
    });
  });
}
