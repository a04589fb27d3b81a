import { hashSync, verifySync } from "@node-rs/argon2";
import type { PasswordHash } from "../../domain/user/password.ts";
import { ARGON2ID_PARAMETERS, argon2idParameters, isCurrentArgon2id } from "./argon2id-parameters.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

/**
 * Argon2id (RFC 9106) in native code. It blocks the calling thread for 10 ms. The asynchronous functions of the driver would
 * occupy the threads of libuv, which file access and compression need.
 */
export const argon2id: PasswordAlgorithm = {
  hash: async (password) => hashSync(password, ARGON2ID_PARAMETERS) as PasswordHash,
  verify: async (password, stored) => {
    // The driver would read argon2i and argon2d too, so this throws for them.
    argon2idParameters(stored);
    return verifySync(stored, password);
  },
  isCurrent: isCurrentArgon2id,
};
