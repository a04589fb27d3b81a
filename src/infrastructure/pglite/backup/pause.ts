import { setTimeout as delay } from "node:timers/promises";

/** Called after each piece of work with its duration. It may wait before the next one. */
export type Pause = (ms: number) => Promise<void>;

const WORK_MS = 20;
/** Pauses last for this multiple of the work. */
const REST = 2;

/**
 * Pauses after each 20 ms of work, or after one longer piece. So a busy server gets every processor for two thirds of the time, also
 * where the priority of this process counts for nothing, as between two control groups of Linux. Rejects when the signal is aborted.
 */
export function regularPauses(signal: AbortSignal): Pause {
  let workedMs = 0;
  return async (ms) => {
    workedMs += ms;
    if (workedMs < WORK_MS) return;
    const restMs = REST * workedMs;
    workedMs = 0;
    await delay(restMs, undefined, { signal });
  };
}

/** Leaves the disk to the server for two thirds of the time. A flush of the server's log waits for one flush of a backup at most. */
export const diskPause: Pause = async (ms) => delay(REST * ms);

/** Nothing else waits for the processors or the disk. */
export const noPause: Pause = async () => {};
