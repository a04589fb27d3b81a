import { err, type Result } from "neverthrow";
import type { PasswordHasher, PasswordHashingError } from "../../application/ports/password-hasher.ts";
import { hashingQueue, type HashingLane, type HashingLimits } from "./hashing-queue.ts";
import type { PasswordAlgorithm } from "./password-algorithm.ts";

/** Hashes and verifies passwords, a bounded number at a time. */
export function passwordHasher(algorithm: PasswordAlgorithm, limits: HashingLimits): PasswordHasher {
  const queue = hashingQueue(limits);

  const queued = async <T>(lane: HashingLane, work: () => Promise<T>): Promise<Result<T, PasswordHashingError>> => {
    try {
      return await queue.run(lane, work);
    } catch (cause) {
      return err({ kind: "password_hashing_failed", cause });
    }
  };

  return {
    hash: async (password) => queued("hashed", async () => algorithm.hash(password)),
    verify: async (password, stored) => {
      if (stored === null) {
        // The same work as for a user who exists, so that the response time does not reveal which users exist.
        const hashed = await queued("compared", async () => algorithm.hash(password));
        return hashed.map(() => "mismatch" as const);
      }
      const isMatch = await queued("compared", async () => algorithm.verify(password, stored));
      return isMatch.map((match) => {
        if (!match) return "mismatch";
        return algorithm.isCurrent(stored) ? "match" : "outdated";
      });
    },
  };
}
