import { createHash } from "node:crypto";
import { ok } from "neverthrow";
import type { PasswordHasher } from "../application/ports/password-hasher.ts";
import type { PasswordHash } from "../domain/user/password.ts";

/** The prefix of every fake hash. An answer that contains it reveals a hash. */
export const FAKE_HASH = "$fake$i=1$";

/** A hasher without cost, whose hashes look like PHC strings. It protects no password. */
export const fakeHasher: PasswordHasher = {
  hash: async (plain) => ok(fakeHash(plain)),
  verify: async (plain, stored) => ok(stored === fakeHash(plain) ? "match" : "mismatch"),
};

function fakeHash(plain: string): PasswordHash {
  return `${FAKE_HASH}c2FsdA$${createHash("sha256").update(plain).digest("base64url")}` as PasswordHash;
}
