import { err, ok, type Result } from "neverthrow";
import type { PasswordHashingBusy } from "../../application/ports/password-hasher.ts";

/** `compared`: log-ins. `hashed`: registrations and changed passwords. */
export type HashingLane = "compared" | "hashed";

export interface HashingLimits {
  /** Concurrent hashes. */
  readonly running: number;
  /** The length of each lane. */
  readonly waiting: number;
}

export interface HashingQueue {
  /** Runs `work` in its turn. Fails with `password_hashing_busy` if its lane is full. It throws the exceptions of `work`. */
  run<T>(lane: HashingLane, work: () => Promise<T>): Promise<Result<T, PasswordHashingBusy>>;
}

/** Bounds the hashing of passwords. The two lanes alternate, so that registrations cannot block log-ins. */
export function hashingQueue(limits: HashingLimits): HashingQueue {
  const waiting: Record<HashingLane, (() => void)[]> = { compared: [], hashed: [] };
  let running = 0;
  let servedLast: HashingLane = "hashed";

  const take = (lane: HashingLane): void => {
    running++;
    servedLast = lane;
  };

  const beginNext = (): void => {
    const other = servedLast === "hashed" ? "compared" : "hashed";
    const lane = waiting[other].length > 0 ? other : servedLast;
    const begin = waiting[lane].shift();
    if (begin === undefined) return;
    take(lane);
    begin();
  };

  return {
    run: async (lane, work) => {
      if (running < limits.running) take(lane);
      else if (waiting[lane].length < limits.waiting) await new Promise<void>((begin) => waiting[lane].push(begin));
      else return err({ kind: "password_hashing_busy" });
      try {
        return ok(await work());
      } finally {
        running--;
        beginNext();
      }
    },
  };
}
