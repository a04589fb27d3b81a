import { err, ok, type Result } from "neverthrow";
import type { PasswordHasher, PasswordHashingFailed } from "../../application/ports/password-hasher.ts";
import type { PasswordHash } from "../../domain/password.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

/**
 * Hashes with `preferred`, and verifies what `preferred` or one of `others` has made. Which one that is a stored hash
 * says itself, as a PHC string: `$algorithm$parameters$salt$hash` (https://github.com/P-H-C/phc-string-format).
 */
export function passwordHasher(
  preferred: PasswordAlgorithm,
  others: readonly PasswordAlgorithm[] = [],
): PasswordHasher {
  const algorithms = new Map([preferred, ...others].map((algorithm) => [algorithm.name, algorithm]));

  const hash: PasswordHasher["hash"] = async (password) => attempt(async () => preferred.hash(password));

  return {
    hash,
    verify: async (password, stored) => {
      if (stored === null) return (await hash(password)).map(() => "mismatch" as const);
      const algorithm = algorithms.get(algorithmOf(stored));
      if (algorithm === undefined)
        return failed(new Error(`No algorithm here reads a hash of ${algorithmOf(stored)}.`));
      const matches = await attempt(async () => algorithm.verify(password, stored));
      return matches.map((match) => {
        if (!match) return "mismatch";
        return algorithm === preferred && algorithm.isCurrent(stored) ? "match" : "outdated";
      });
    },
  };
}

function algorithmOf(hash: PasswordHash): string {
  return hash.split("$", 2)[1] ?? "";
}

async function attempt<T>(step: () => Promise<T>): Promise<Result<T, PasswordHashingFailed>> {
  try {
    return ok(await step());
  } catch (cause) {
    return failed(cause);
  }
}

function failed(cause: unknown): Result<never, PasswordHashingFailed> {
  return err({ kind: "password_hashing_failed", cause });
}
