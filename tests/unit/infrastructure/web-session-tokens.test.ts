import { expect, it } from "vitest";
import { nodeSessionTokens } from "../../../src/infrastructure/crypto/node-session-tokens.ts";
import { webSessionTokens } from "../../../src/infrastructure/web/web-session-tokens.ts";
import { sessionTokensContract } from "../../../src/contracts/session-tokens.contract.ts";

sessionTokensContract("WebCrypto", webSessionTokens);

it("finds the session of a token that Node's crypto has issued, and the reverse", async () => {
  const ofNode = await nodeSessionTokens.issue();
  expect(await webSessionTokens.digest(ofNode.token)).toBe(ofNode.digest);
  const ofWeb = await webSessionTokens.issue();
  expect(await nodeSessionTokens.digest(ofWeb.token)).toBe(ofWeb.digest);
});
