import type { Result } from "neverthrow";
import type { Password, PasswordHash } from "../../domain/user/password.ts";

/** The hash could not be computed or read: out of memory, or a stored hash of an algorithm that this runtime lacks. */
export interface PasswordHashingFailed {
  readonly kind: "password_hashing_failed";
  readonly cause: unknown;
}

/** As many passwords wait to be hashed or compared as may. Nothing was begun, so it may be tried again soon. */
export interface PasswordHashingBusy {
  readonly kind: "password_hashing_busy";
}

export type PasswordHashingError = PasswordHashingFailed | PasswordHashingBusy;

/** `outdated`: it matches, and its algorithm or parameters are weaker than those that new hashes get. */
export type PasswordVerdict = "match" | "outdated" | "mismatch";

export interface PasswordHasher {
  /** Fails with `password_hashing_failed` or `password_hashing_busy`. */
  hash(password: Password): Promise<Result<PasswordHash, PasswordHashingError>>;

  /**
   * Compares in constant time. With `null`, for a user that does not exist, it waits as others do, takes the time of a
   * comparison with a new hash and answers `mismatch`, so that time does not tell who exists. New hashes do not keep
   * comparisons out. Fails with `password_hashing_failed` or `password_hashing_busy`.
   */
  verify(password: Password, hash: PasswordHash | null): Promise<Result<PasswordVerdict, PasswordHashingError>>;
}
