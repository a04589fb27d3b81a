import type { SessionToken, TokenDigest } from "../../domain/session/session.ts";

export interface SessionTokens {
  /** A new token of 256 random bits, with its digest. */
  issue(): Promise<{ readonly token: SessionToken; readonly digest: TokenDigest }>;

  /** The digest that the session of this token is stored under. Any string has one. */
  digest(token: string): Promise<TokenDigest>;
}
