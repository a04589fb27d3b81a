import type { SessionTokens } from "../application/ports/session-tokens.ts";
import type { SessionToken, TokenDigest } from "../domain/session.ts";

const TOKEN_BYTES = 32;

/** Session tokens made with WebCrypto, which every runtime has. */
export const webCryptoSessionTokens: SessionTokens = {
  issue: async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
    const token = toBase64Url(bytes) as SessionToken;
    return { token, digest: await digest(token) };
  },
  digest,
};

async function digest(token: string): Promise<TokenDigest> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(token)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("") as TokenDigest;
}

/** RFC 4648, 5, without padding. */
function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
