import type { Password, PasswordHash } from "../../domain/user/password.ts";

/** A password to hash, or to compare with `hash`. */
export interface HashingRequest {
  readonly password: Password;
  readonly hash: PasswordHash | null;
}

/** The new hash, or whether the password matches, or the error of the algorithm. */
export type HashingAnswer = { readonly value: PasswordHash | boolean } | { readonly error: unknown };
