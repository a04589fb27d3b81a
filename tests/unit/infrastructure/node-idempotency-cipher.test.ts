import { describe, expect, it } from "vitest";
import type { SealedResult } from "../../../src/domain/shared/idempotency-record.ts";
import type { Idempotency } from "../../../src/application/idempotency/idempotency.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { idempotencyCipherContract } from "../../../src/contracts/idempotency-cipher.contract.ts";

const REQUEST: Idempotency = {
  key: "8e03978e-40d5-43dd-bc93-6894a57f9324",
  owner: "00000000-0000-7000-8000-000000000001" as UserId,
  operation: "POST /v1/posts",
  body: '{"title":"Hello"}',
};
const sealOf = async () => nodeIdempotencyCipher.forRequest(REQUEST);

const SEALED_BEFORE =
  "AAECAwQFBgcICQoLxpxSWm/wZ5i2z952LxunML4HU4ZR3eGxQxMrPZCQXUn+fYj+SCmpZcRwHWC/ZB1cdDihSic7k3oNEn6hXxKnEQVjjbTucB5zSagEJRTp3jLUesQkz+zPwjZddV0K0xg3" as SealedResult;

idempotencyCipherContract("Node's crypto", nodeIdempotencyCipher);

describe("nodeIdempotencyCipher", () => {
  const content = "\u0001".repeat(1_048_576);
  const LONG = JSON.stringify({ content });

  it.each([
    ["on another thread", LONG],
    ["on the event loop", "a word and ".repeat(200)],
  ])("opens an answer that was compressed %s, and stores at most a twentieth of it", async (_, text) => {
    const sealed = await (await sealOf()).seal(text);
    expect(sealed.length).toBeLessThan(text.length / 20 + 200);
    expect(await (await sealOf()).open(sealed)).toBe(text);
  });

  it("stores short answers of equal length in equal length, whatever their text", async () => {
    const seal = await sealOf();
    const lengthOf = async (text: string) => (await seal.seal(text)).length;
    expect(await lengthOf("a".repeat(500))).toBe(await lengthOf("0123456789".repeat(50)));
  });

  it("opens a record that was sealed before answers were compressed", async () => {
    const seal = await sealOf();
    // The code of that time made it for this request.
    const sealed = { status: 201, headers: { ETag: '"1"' }, body: '{"token":"a secret 🔑"}' };
    expect(JSON.parse(await seal.open(SEALED_BEFORE))).toEqual(sealed);
  });
});
