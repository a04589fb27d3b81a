/** How long work may keep the event loop in one iteration, in milliseconds. */
const SHARE_MS = 3;
/** The same while clients connect, as an iteration accepts one connection only (libuv, uv__server_io). */
const SHARE_WHILE_CONNECTING_MS = 0.5;
/** How many are begun in one iteration at most. */
const MAX_IN_A_SHARE = 100;
/** More than this would take too much memory while it waits. */
const MAX_WAITING = 10_000;

/** Divides work among the iterations of the event loop, so that everything else in the process gets its part in between. */
export interface FairScheduler {
  /** Runs it now when this iteration has time left for it, or in the order of coming in later ones. */
  readonly run: (work: () => void) => void;
  /** Says that a client has connected, and that others may wait for it. */
  readonly noteConnection: () => void;
}

/**
 * Without it, hundreds of clients who ask at a time make each iteration as long as all their requests are, and then the
 * newest of them wait one such iteration for each that has come before them.
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
    // Each has an immediate of its own, so that what it does in promises is done, and counted, before the next begins.
    for (let begun = Math.min(waiting.length, MAX_IN_A_SHARE); begun > 0; begun--) setImmediate(runNext);
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
