/** The time that work may take in one iteration of the event loop. */
const SHARE_MS = 3;
/** The same while clients connect, because an iteration accepts only one connection (libuv, uv__server_io). */
const SHARE_WHILE_CONNECTING_MS = 0.5;
/** The maximum number of work items that start in one iteration. */
const MAX_ITEMS_PER_SHARE = 100;
/** Bounds the memory of waiting work. Work above this number runs immediately. */
const MAX_WAITING = 10_000;

/** Spreads work over iterations of the event loop, so that other tasks of the process run in between. */
export interface FairScheduler {
  /** Runs work now if this iteration has time left, otherwise in a later one, first come, first served. */
  readonly run: (work: () => void) => void;
  /** Call it when a client has connected: others may be waiting to be accepted. */
  readonly noteConnection: () => void;
}

/**
 * Without it, one iteration handles the requests of all clients. As each iteration accepts only one connection, the last of
 * many new clients would wait for as many long iterations.
 */
export function fairScheduler(): FairScheduler {
  const waiting: (() => void)[] = [];
  let shareEndsAt: number | null = null;
  let areConnecting = false;

  const beginShare = (): number => {
    setImmediate(endShare);
    const durationMs = areConnecting ? SHARE_WHILE_CONNECTING_MS : SHARE_MS;
    areConnecting = false;
    return performance.now() + durationMs;
  };

  const runNext = () => {
    if (performance.now() < (shareEndsAt ?? 0)) waiting.shift()?.();
  };

  const endShare = () => {
    if (waiting.length === 0) {
      shareEndsAt = null;
      return;
    }
    shareEndsAt = beginShare();
    // One immediate per item, so that its promise callbacks run, and their time counts, before the next one starts.
    for (let begun = Math.min(waiting.length, MAX_ITEMS_PER_SHARE); begun > 0; begun--) setImmediate(runNext);
  };

  return {
    run: (work) => {
      shareEndsAt ??= beginShare();
      const mayWait = waiting.length < MAX_WAITING;
      if (mayWait && (waiting.length > 0 || performance.now() >= shareEndsAt)) waiting.push(work);
      else work();
    },
    noteConnection: () => {
      areConnecting = true;
    },
  };
}
