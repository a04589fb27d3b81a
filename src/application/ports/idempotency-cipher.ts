import type { Idempotency } from "../idempotency/idempotency.ts";
import type { Fingerprint, KeyDigest, SealedResult } from "../../domain/shared/idempotency-record.ts";

/** Digest, fingerprint and encryption of one request, all derived from its idempotency key. */
export interface RequestCipher {
  readonly keyDigest: KeyDigest;
  readonly fingerprint: Fingerprint;
  /** Encrypts and authenticates a text. */
  seal(text: string): Promise<SealedResult>;
  /** Throws when the text was sealed for another request, or was changed since. */
  open(sealed: SealedResult): Promise<string>;
}

export interface IdempotencyCipher {
  /** The output of the cipher reveals nothing about the key, the request or a sealed text without the key. */
  forRequest(request: Idempotency): Promise<RequestCipher>;
}
