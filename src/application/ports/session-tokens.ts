import type { SessionToken, TokenDigest } from "../../domain/session/session.ts";

export interface SessionTokens {
  /** A new token of 256 random bits, with its digest. */
  issue(): Promise<{ readonly token: SessionToken; readonly digest: TokenDigest }>;

  /** Returns the digest under which the session of this token is stored. It accepts any string. */
  digest(token: string): Promise<TokenDigest>;
}
