import type { Result } from "neverthrow";
import type { Password, PasswordHash } from "../../domain/password.ts";

/** The hash could not be computed or read: out of memory, or a stored hash of an algorithm that this runtime lacks. */
export interface PasswordHashingFailed {
  readonly kind: "password_hashing_failed";
  readonly cause: unknown;
}

/** `outdated`: it matches, and its algorithm or parameters are weaker than those that new hashes get. */
export type PasswordVerdict = "match" | "outdated" | "mismatch";

export interface PasswordHasher {
  /** Fails with `password_hashing_failed`. */
  hash(password: Password): Promise<Result<PasswordHash, PasswordHashingFailed>>;

  /**
   * Compares in constant time. With `null`, for a user that does not exist, it takes the time of a comparison with a
   * new hash and answers `mismatch`, so that time does not tell who exists. Fails with `password_hashing_failed`.
   */
  verify(password: Password, hash: PasswordHash | null): Promise<Result<PasswordVerdict, PasswordHashingFailed>>;
}
