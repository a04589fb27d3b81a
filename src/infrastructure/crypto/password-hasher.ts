import { availableParallelism } from "node:os";
import { err, type Result } from "neverthrow";
import type {
  PasswordHasher,
  PasswordHashingError,
  PasswordHashingFailed,
} from "../../application/ports/password-hasher.ts";
import type { PasswordHash } from "../../domain/user/password.ts";
import { hashingQueue, type HashingLane, type HashingLimits } from "./hashing-queue.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

/** More threads would take 19 MiB each for the sake of a burst. */
const MAX_RUNNING = 4;
/** The last of a full lane waits half a second for one thread where no other lane is full, and a second where both are. */
const MAX_WAITING = 50;

/** Half of the cores, so that a flood of log-ins leaves the other half to the event loop and to the database. */
const HASHING_LIMITS: HashingLimits = {
  running: Math.min(MAX_RUNNING, Math.max(1, Math.floor(availableParallelism() / 2))),
  waiting: MAX_WAITING,
};

/**
 * Hashes with `preferred`, and verifies what `preferred` or one of `others` has made, a bounded number at a time. Which one
 * that is a stored hash says itself, as a PHC string: `$algorithm$parameters$salt$hash`
 * (https://github.com/P-H-C/phc-string-format).
 */
export function passwordHasher(
  preferred: PasswordAlgorithm,
  others: readonly PasswordAlgorithm[] = [],
  limits: HashingLimits = HASHING_LIMITS,
): PasswordHasher {
  const algorithms = new Map([preferred, ...others].map((algorithm) => [algorithm.name, algorithm]));
  const queue = hashingQueue(limits);

  const inTurn = async <T>(lane: HashingLane, work: () => Promise<T>): Promise<Result<T, PasswordHashingError>> => {
    try {
      return await queue.run(lane, work);
    } catch (cause) {
      return failed(cause);
    }
  };

  return {
    hash: async (password) => inTurn("hashed", async () => preferred.hash(password)),
    verify: async (password, stored) => {
      if (stored === null) {
        const hashed = await inTurn("compared", async () => preferred.hash(password));
        return hashed.map(() => "mismatch" as const);
      }
      const algorithm = algorithms.get(algorithmOf(stored));
      if (algorithm === undefined)
        return failed(new Error(`No algorithm here reads a hash of ${algorithmOf(stored)}.`));
      const matches = await inTurn("compared", async () => algorithm.verify(password, stored));
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

function failed(cause: unknown): Result<never, PasswordHashingFailed> {
  return err({ kind: "password_hashing_failed", cause });
}
