import type { UserId } from "../../domain/shared/id.ts";
import type { Fingerprint, KeyDigest, SealedAnswer } from "./idempotency-keys.ts";

/** A request that a client may repeat without doing it again, told by a key of its own making. */
export interface IdempotentRequest {
  readonly key: string;
  /** Whose key it is; `null` where anybody may ask: then the key belongs to the operation. */
  readonly userId: UserId | null;
  /** The method and the path. */
  readonly operation: string;
  /** As it was sent. */
  readonly body: string;
}

/** What a client is told of a request, but for what is about the connection. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is kept of one request. */
export interface RequestCipher {
  readonly keyDigest: KeyDigest;
  readonly fingerprint: Fingerprint;
  seal(answer: Answer): Promise<SealedAnswer>;
  /** Throws when it was sealed with another key, or changed since. */
  open(sealed: SealedAnswer): Promise<Answer>;
}

export interface IdempotencyCipher {
  /** Nothing that the seal gives tells the key, the request or an answer to who does not have the key. */
  of(request: IdempotentRequest): Promise<RequestCipher>;
}
