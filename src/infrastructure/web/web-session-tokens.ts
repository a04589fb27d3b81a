import { bytesToHex } from "@noble/hashes/utils.js";
import type { SessionTokens } from "../../application/ports/session-tokens.ts";
import type { SessionToken, TokenDigest } from "../../domain/session/session.ts";
import { toBase64 } from "./base64.ts";

const TOKEN_BYTES = 32;

/** Session tokens by WebCrypto, of the same form and with the same digests as those of Node's crypto. */
export const webSessionTokens: SessionTokens = {
  issue: async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
    const token = toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "") as SessionToken;
    return { token, digest: await digest(token) };
  },
  digest,
};

async function digest(token: string): Promise<TokenDigest> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token));
  return bytesToHex(new Uint8Array(bytes)) as TokenDigest;
}
