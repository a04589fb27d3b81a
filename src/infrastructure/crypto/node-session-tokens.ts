import { hash, randomBytes } from "node:crypto";
import type { SessionTokens } from "../../application/ports/session-tokens.ts";
import type { SessionToken, TokenDigest } from "../../domain/session/session.ts";

const TOKEN_BYTES = 32;

/** Session tokens by Node's crypto, which hashes synchronously. WebCrypto waits for a thread longer than the hashing takes. */
export const nodeSessionTokens: SessionTokens = {
  issue: async () => {
    const token = randomBytes(TOKEN_BYTES).toString("base64url") as SessionToken;
    return { token, digest: digest(token) };
  },
  digest: async (token) => digest(token),
};

function digest(token: string): TokenDigest {
  return hash("sha256", token, "hex") as TokenDigest;
}
