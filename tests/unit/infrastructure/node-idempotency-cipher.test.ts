import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { SealedResult } from "../../../src/domain/shared/idempotency-record.ts";
import type { Idempotency } from "../../../src/application/idempotency/idempotency.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";

const REQUEST: Idempotency = {
  key: "8e03978e-40d5-43dd-bc93-6894a57f9324",
  owner: "00000000-0000-7000-8000-000000000001" as UserId,
  operation: "POST /v1/posts",
  body: '{"title":"Hello"}',
};
const RESULT = 'snapshot/1 {"token":"a secret 🔑"}';

const sealOf = async (fields: Partial<Idempotency> = {}) => nodeIdempotencyCipher.forRequest({ ...REQUEST, ...fields });

const SEALED_BEFORE =
  "AAECAwQFBgcICQoLxpxSWm/wZ5i2z952LxunML4HU4ZR3eGxQxMrPZCQXUn+fYj+SCmpZcRwHWC/ZB1cdDihSic7k3oNEn6hXxKnEQVjjbTucB5zSagEJRTp3jLUesQkz+zPwjZddV0K0xg3" as SealedResult;

describe("nodeIdempotencyCipher", () => {
  it("gives one request the same digest and fingerprint each time", async () => {
    const [one, other] = [await sealOf(), await sealOf()];
    expect([one.keyDigest, one.fingerprint]).toEqual([other.keyDigest, other.fingerprint]);
    expect(one.keyDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(one.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each<[string, Partial<Idempotency>]>([
    ["another body", { body: '{"title": "Hello"}' }],
    ["another path", { operation: "POST /v1/users" }],
  ])("gives %s with the same key the same digest and another fingerprint", async (_, fields) => {
    const [one, other] = [await sealOf(), await sealOf(fields)];
    expect(other.keyDigest).toBe(one.keyDigest);
    expect(other.fingerprint).not.toBe(one.fingerprint);
  });

  it.each<[string, Partial<Idempotency>]>([
    ["another key", { key: `${REQUEST.key}0` }],
    ["another user", { owner: "00000000-0000-7000-8000-000000000002" as UserId }],
    ["nobody", { owner: null }],
  ])("gives %s another digest and another fingerprint", async (_, fields) => {
    const [one, other] = [await sealOf(), await sealOf(fields)];
    expect(other.keyDigest).not.toBe(one.keyDigest);
    expect(other.fingerprint).not.toBe(one.fingerprint);
  });

  it("keeps the keys of operations apart where anybody may ask", async () => {
    const [one, other] = [await sealOf({ owner: null }), await sealOf({ owner: null, operation: "POST /v1/users" })];
    expect(other.keyDigest).not.toBe(one.keyDigest);
  });

  it("opens what it has sealed, and seals it differently each time", async () => {
    const seal = await sealOf();
    const sealed = [await seal.seal(RESULT), await seal.seal(RESULT)] as const;
    expect(sealed[0]).not.toBe(sealed[1]);
    for (const each of sealed) expect(await (await sealOf()).open(each)).toBe(RESULT);
  });

  const content = "\u0001".repeat(1_048_576);
  const LONG = JSON.stringify({ content });

  it.each([
    ["beside the event loop", LONG],
    ["at once", "a word and ".repeat(200)],
  ])("opens an answer that was compressed %s, and stores a twentieth of it at most", async (_, text) => {
    const sealed = await (await sealOf()).seal(text);
    expect(sealed.length).toBeLessThan(text.length / 20 + 200);
    expect(await (await sealOf()).open(sealed)).toBe(text);
  });

  it("stores two short answers of one length in one length, whatever they say", async () => {
    const seal = await sealOf();
    const lengthOf = async (text: string) => (await seal.seal(text)).length;
    expect(await lengthOf("a".repeat(500))).toBe(await lengthOf("0123456789".repeat(50)));
  });

  it("opens what was sealed before answers were compressed", async () => {
    const seal = await sealOf();
    // Made by the code as it was then, for this very request.
    const sealed = { status: 201, headers: { ETag: '"1"' }, body: '{"token":"a secret 🔑"}' };
    expect(JSON.parse(await seal.open(SEALED_BEFORE))).toEqual(sealed);
  });

  it("shows nothing of the key, the body or the answer", async () => {
    const seal = await sealOf();
    const stored = [seal.keyDigest, seal.fingerprint, await seal.seal(RESULT)].join(" ");
    const bytes = Buffer.from(stored.split(" ")[2] ?? "", "base64").toString("latin1");
    for (const secret of [REQUEST.key, "Hello", "a secret", "token"]) expect(stored + bytes).not.toContain(secret);
    const digests = [REQUEST.key, REQUEST.body].map((text) => createHash("sha256").update(text).digest("hex"));
    for (const digest of digests) expect(stored).not.toContain(digest);
  });

  it.each<[string, Partial<Idempotency>]>([
    ["with another key", { key: `${REQUEST.key}0` }],
    ["for another user", { owner: "00000000-0000-7000-8000-000000000002" as UserId }],
    ["for another body", { body: "" }],
  ])("opens nothing that was sealed %s", async (_, fields) => {
    const sealed = await (await sealOf(fields)).seal(RESULT);
    await expect((await sealOf()).open(sealed)).rejects.toThrow();
  });

  it("opens nothing that was changed, wherever that was", async () => {
    const seal = await sealOf();
    const bytes = Buffer.from(await seal.seal(RESULT), "base64");
    for (const index of [0, 12, 28, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      await expect(seal.open(changed.toString("base64") as SealedResult)).rejects.toThrow();
    }
  });
});
