import type { Password, PasswordHash } from "../../domain/user/password.ts";

/** One way to hash passwords. Its functions throw what their driver throws; the hasher that uses them makes Results of it. */
export interface PasswordAlgorithm {
  /** Its name in a PHC string. */
  readonly name: string;
  hash(password: Password): Promise<PasswordHash>;
  verify(password: Password, hash: PasswordHash): Promise<boolean>;
  /** Whether a hash of this algorithm is no weaker than new ones. */
  isCurrent(hash: PasswordHash): boolean;
}
