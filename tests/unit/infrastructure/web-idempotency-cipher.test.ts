import { describe, expect, it } from "vitest";
import type { Idempotency } from "../../../src/application/idempotency/idempotency.ts";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { nodeIdempotencyCipher } from "../../../src/infrastructure/crypto/node-idempotency-cipher.ts";
import { webIdempotencyCipher } from "../../../src/infrastructure/web/web-idempotency-cipher.ts";
import { idempotencyCipherContract } from "../../../src/contracts/idempotency-cipher.contract.ts";

idempotencyCipherContract("WebCrypto", webIdempotencyCipher);

const OWNER = "00000000-0000-7000-8000-000000000001" as UserId;
const REQUESTS: readonly Idempotency[] = [
  { key: "8e03978e-40d5-43dd-bc93-6894a57f9324", owner: OWNER, operation: "POST /v1/posts", body: '{"title":"Hello"}' },
  { key: "ключ 🔑", owner: null, operation: "POST /v1/users", body: "" },
];
const TEXTS = ["", 'snapshot/1 {"token":"a secret 🔑"}', "a word and ".repeat(200), "\u0001".repeat(1_048_576)];

describe.each([
  ["WebCrypto", webIdempotencyCipher, "Node's crypto", nodeIdempotencyCipher],
  ["Node's crypto", nodeIdempotencyCipher, "WebCrypto", webIdempotencyCipher],
])("the cipher of %s", (_, opening, other, sealing) => {
  it.each(REQUESTS)(`derives the digest and the fingerprint of ${other} (case %#)`, async (request) => {
    const [one, another] = [await opening.forRequest(request), await sealing.forRequest(request)];
    expect([one.keyDigest, one.fingerprint]).toEqual([another.keyDigest, another.fingerprint]);
  });

  it.each(REQUESTS)(`opens what ${other} has sealed (case %#)`, async (request) => {
    const [one, another] = [await opening.forRequest(request), await sealing.forRequest(request)];
    for (const text of TEXTS) expect((await one.open(await another.seal(text))) === text).toBe(true);
  });
});

describe("webIdempotencyCipher", () => {
  it("compresses a long text, so that it stores at most a twentieth of a repetitive one", async () => {
    const cipher = await webIdempotencyCipher.forRequest(REQUESTS[0] as Idempotency);
    const text = "a word and ".repeat(2000);
    expect((await cipher.seal(text)).length).toBeLessThan(text.length / 20 + 200);
  });
});
