import type { Branded } from "./branded.ts";
import type { UserId } from "./id.ts";
import { ROW_BYTES } from "./storage-quota.ts";

/** The lookup key of a record: a one-way function of the idempotency key and of its owner, as lower-case hexadecimal. */
export type KeyDigest = Branded<string, "KeyDigest">;

/** A one-way function of the operation and the body. It distinguishes two requests with the same key. */
export type Fingerprint = Branded<string, "Fingerprint">;

/** The result of a request, encrypted with its idempotency key: the database alone does not reveal it. ASCII only. */
export type SealedResult = Branded<string, "SealedResult">;

/** The result of a request in plain text, for a result that holds no secret and no text of a client. ASCII only. */
export type PlainResult = Branded<string, "PlainResult">;

/** A replay record: the request with an idempotency key has run, and this was its result. */
export interface IdempotencyRecord {
  /** Identifies the record. */
  readonly keyDigest: KeyDigest;
  /** The user who made the request, or whom the request created. The record is deleted with this user. */
  readonly userId: UserId;
  readonly fingerprint: Fingerprint;
  readonly result: SealedResult | PlainResult;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** A request with the same key has run, or is running. */
export interface IdempotencyKeyInUse {
  readonly kind: "idempotency_key_in_use";
}

/** The bytes that a record adds to the usage of its account. A result is ASCII, so its length is its bytes. */
export function storedRecordBytes({ result }: Pick<IdempotencyRecord, "result">): number {
  return ROW_BYTES + result.length;
}
