import type { Password, PasswordHash } from "../../domain/user/password.ts";

/** A password hash function with its parameters. It throws the exceptions of its driver; the hasher turns them into Results. */
export interface PasswordAlgorithm {
  /** Makes a PHC string: `$algorithm$parameters$salt$hash` (https://github.com/P-H-C/phc-string-format). */
  hash(password: Password): Promise<PasswordHash>;
  /** Verifies a hash, with the parameters that it was made with. */
  verify(password: Password, hash: PasswordHash): Promise<boolean>;
  /** Whether the parameters of a hash are at least as strong as those of new hashes. */
  isCurrent(hash: PasswordHash): boolean;
}
