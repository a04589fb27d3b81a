import type { Result } from "neverthrow";
import type { Password, PasswordHash } from "../../domain/user/password.ts";

/** The hash could not be computed or read: out of memory, or a stored hash of an algorithm that this runtime lacks. */
export interface PasswordHashingFailed {
  readonly kind: "password_hashing_failed";
  readonly cause: unknown;
}

/** The queue of passwords to hash or compare is full. Nothing was begun, so a client may retry soon. */
export interface PasswordHashingBusy {
  readonly kind: "password_hashing_busy";
}

export type PasswordHashingError = PasswordHashingFailed | PasswordHashingBusy;

/** `outdated`: the password matches, but the hash has a weaker algorithm or weaker parameters than a new hash. */
export type PasswordVerdict = "match" | "outdated" | "mismatch";

export interface PasswordHasher {
  /** Fails with `password_hashing_failed` or `password_hashing_busy`. */
  hash(password: Password): Promise<Result<PasswordHash, PasswordHashingError>>;

  /**
   * Compares in constant time. For a user who does not exist, `hash` is `null`: the call waits in the same queue, takes the time
   * of a comparison with a new hash and returns `mismatch`, so that the response time does not reveal which users exist. A queue
   * full of new hashes does not block comparisons. Fails with `password_hashing_failed` or `password_hashing_busy`.
   */
  verify(password: Password, hash: PasswordHash | null): Promise<Result<PasswordVerdict, PasswordHashingError>>;
}
