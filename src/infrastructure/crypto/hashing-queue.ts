import { err, ok, type Result } from "neverthrow";
import type { PasswordHashingBusy } from "../../application/ports/password-hasher.ts";

/** Passwords that are compared, to log in, and passwords that are hashed anew, to register. */
export type HashingLane = "compared" | "hashed";

export interface HashingLimits {
  /** How many are worked on at a time. */
  readonly running: number;
  /** How many may wait in each lane. */
  readonly waiting: number;
}

export interface HashingQueue {
  /** Runs `work` in its turn. Fails with `password_hashing_busy` where its lane is full; what `work` throws it throws. */
  run<T>(lane: HashingLane, work: () => Promise<T>): Promise<Result<T, PasswordHashingBusy>>;
}

/** Bounds the hashing of passwords. The two lanes take turns, so that registrations cannot keep others from logging in. */
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
