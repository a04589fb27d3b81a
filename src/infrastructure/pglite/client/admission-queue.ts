import { err, ok, type Err, type Result } from "neverthrow";
import type { AbortSignal } from "../../../domain/shared/abort-signal.ts";

/**
 * A request did not get the engine.
 *
 * - `full`: the queue holds its maximum of requests or bytes (load shedding).
 * - `timeout`: the request has waited for the maximum time.
 * - `cancelled`: the request's signal was aborted while it waited.
 * - `closed`: the queue accepts no more requests.
 */
export interface AdmissionRejected {
  readonly kind: "admission_rejected";
  readonly reason: "full" | "timeout" | "cancelled" | "closed";
}

export interface AdmissionLimits {
  readonly maxWaiting: number;
  /** The maximum memory of all waiting requests. */
  readonly maxWaitingBytes: number;
  readonly maxWaitMs: number;
  /** Enough that the engine always has a next request, and few enough that the last one is soon served. */
  readonly maxSharedHolders: number;
}

export interface AdmissionRequest {
  /** The memory of the request while it waits. */
  readonly bytes: number;
  /** Shared holders have the engine together, and it serves them in their order. An exclusive holder has the engine alone. */
  readonly mode: "exclusive" | "shared";
  /** Whether the request passes all others: it was admitted before and lost its engine. */
  readonly isRetry?: boolean;
  /** Removes a waiting request from the queue when it is aborted. An admitted request continues. */
  readonly signal?: AbortSignal;
}

export type Release = () => void;

export interface AdmissionStatistics {
  readonly waiting: number;
  /** How long the oldest waiting request has waited; 0 if none waits. */
  readonly oldestWaitMs: number;
  /** The rejected requests since the start, by reason. */
  readonly rejected: Readonly<Record<AdmissionRejected["reason"], number>>;
}

/** The bounded queue in front of the engine. A request that cannot be served soon is rejected immediately. */
export interface AdmissionQueue {
  /** Waits for the engine, and returns the function that releases it. Fails with `admission_rejected`. */
  acquire(request: AdmissionRequest): Promise<Result<Release, AdmissionRejected>>;
  /** Admits nothing until `resume`. Waiting requests still time out. */
  pause(): void;
  resume(): void;
  /** Whether nothing holds the engine or waits for it, and nothing did for a moment. */
  isIdle(): boolean;
  statistics(): AdmissionStatistics;
  /** Rejects new requests, and settles when all earlier ones were served or rejected. */
  close(): Promise<void>;
  /** Rejects all waiting requests and all new ones. */
  rejectAll(): void;
}

interface Waiter extends AdmissionRequest {
  readonly settle: (admission: Result<Release, AdmissionRejected>) => void;
  readonly since: number;
}

const TIMEOUT_CHECK_INTERVAL_MS = 100;
/** After a longer time between two checks, the process was paused, for example by `docker pause`. */
const MAX_CHECK_INTERVAL_MS = 1_000;
/** Clients that send one request after the other leave the engine free for shorter times. */
const MIN_IDLE_MS = 25;

export function admissionQueue(limits: AdmissionLimits): AdmissionQueue {
  const rejected = { full: 0, timeout: 0, cancelled: 0, closed: 0 };
  const reject: Reject = (reason) => {
    rejected[reason]++;
    return err({ kind: "admission_rejected", reason });
  };
  const waiting = waitingRequests(reject);
  const holders = engineHolders(limits.maxSharedHolders);
  let isPaused = false;
  let isClosed = false;
  let onIdle: (() => void) | null = null;

  let lastActiveAt = 0;

  const isFree = () => holders.isFree() && waiting.count() === 0;
  const isAvailable = (mode: AdmissionRequest["mode"]) => !isPaused && holders.isAvailable(mode);

  const admit = () => {
    for (let next = waiting.first(); next !== undefined && isAvailable(next.mode); next = waiting.first()) {
      waiting.settle(next, ok(holders.hold(next.mode, onReleased)));
    }
    if (isFree()) onIdle?.();
  };

  const onReleased = () => {
    lastActiveAt = performance.now();
    admit();
  };

  const rejectExpired = () => {
    waiting.rejectExpired(limits.maxWaitMs);
    // Requests behind a rejected one may have a mode that is available.
    admit();
  };
  const timer = setInterval(rejectExpired, TIMEOUT_CHECK_INTERVAL_MS);
  timer.unref();

  return {
    acquire: async (request) => {
      const { bytes, mode, isRetry = false, signal } = request;
      if (isClosed) return reject("closed");
      if (signal?.aborted === true) return reject("cancelled");
      if (waiting.count() === 0 && isAvailable(mode)) return ok(holders.hold(mode, onReleased));
      const isFull = waiting.count() >= limits.maxWaiting || waiting.bytes() + bytes > limits.maxWaitingBytes;
      return isFull && !isRetry ? reject("full") : waiting.wait(request, admit);
    },
    isIdle: () => isFree() && performance.now() - lastActiveAt >= MIN_IDLE_MS,
    statistics: () => ({ waiting: waiting.count(), oldestWaitMs: waiting.oldestWaitMs(), rejected: { ...rejected } }),
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      admit();
    },
    close: async () => {
      isClosed = true;
      if (!isFree()) await new Promise<void>((resolve) => (onIdle = resolve));
      clearInterval(timer);
    },
    rejectAll: () => {
      isClosed = true;
      clearInterval(timer);
      for (let next = waiting.first(); next !== undefined; next = waiting.first()) {
        waiting.settle(next, reject("closed"));
      }
      onIdle?.();
    },
  };
}

/**
 * A clock that stops while the process is paused, so that the requests that wait for the engine do not all expire at its end. It is
 * read every {@link TIMEOUT_CHECK_INTERVAL_MS}, so that a longer time between two readings was a pause.
 */
function runningClock(): () => number {
  let [readAt, runningMs] = [performance.now(), 0];
  return () => {
    const passedMs = performance.now() - readAt;
    readAt += passedMs;
    if (passedMs <= MAX_CHECK_INTERVAL_MS) runningMs += passedMs;
    return runningMs;
  };
}

type Reject = (reason: AdmissionRejected["reason"]) => Err<never, AdmissionRejected>;

/** The requests that have the engine: one exclusive holder, or several shared ones. */
function engineHolders(maxShared: number) {
  let sharedHolders = 0;
  let isHeldExclusively = false;

  return {
    isFree: () => !isHeldExclusively && sharedHolders === 0,
    isAvailable: (mode: AdmissionRequest["mode"]) => {
      if (isHeldExclusively) return false;
      return mode === "shared" ? sharedHolders < maxShared : sharedHolders === 0;
    },
    hold: (mode: AdmissionRequest["mode"], onReleased: () => void): Release => {
      if (mode === "shared") sharedHolders++;
      else isHeldExclusively = true;
      let isReleased = false;
      return () => {
        if (isReleased) return;
        isReleased = true;
        if (mode === "shared") sharedHolders--;
        else isHeldExclusively = false;
        onReleased();
      };
    },
  };
}

/** The requests that wait, in order: first the retries, then the newcomers. */
function waitingRequests(reject: Reject) {
  const now = runningClock();
  // A Set keeps its order, and removes from the middle in constant time. Within each, the oldest request is first.
  const retries = new Set<Waiter>();
  const newcomers = new Set<Waiter>();
  let waitingBytes = 0;

  const settle = (waiter: Waiter, admission: Result<Release, AdmissionRejected>) => {
    if (!retries.delete(waiter) && !newcomers.delete(waiter)) return;
    waitingBytes -= waiter.bytes;
    waiter.settle(admission);
  };

  return {
    count: () => retries.size + newcomers.size,
    bytes: () => waitingBytes,
    oldestWaitMs: () => {
      const [retry, newcomer] = [firstOf(retries), firstOf(newcomers)];
      const since = Math.min(retry?.since ?? Infinity, newcomer?.since ?? Infinity);
      return since === Infinity ? 0 : now() - since;
    },
    first: (): Waiter | undefined => firstOf(retries) ?? firstOf(newcomers),
    settle,
    rejectExpired: (maxWaitMs: number) => {
      const oldest = now() - maxWaitMs;
      for (const waiters of [retries, newcomers]) {
        for (let next = firstOf(waiters); next !== undefined && next.since < oldest; next = firstOf(waiters)) {
          settle(next, reject("timeout"));
        }
      }
    },
    wait: async (request: AdmissionRequest, onCancelled: () => void): Promise<Result<Release, AdmissionRejected>> =>
      new Promise((resolve) => {
        const { bytes, signal, isRetry = false } = request;
        const cancel = () => {
          settle(waiter, reject("cancelled"));
          onCancelled();
        };
        const waiter: Waiter = {
          ...request,
          since: now(),
          settle: (admission) => {
            signal?.removeEventListener("abort", cancel);
            resolve(admission);
          },
        };
        waitingBytes += bytes;
        (isRetry ? retries : newcomers).add(waiter);
        signal?.addEventListener("abort", cancel);
      }),
  };
}

function firstOf(waiters: ReadonlySet<Waiter>): Waiter | undefined {
  const { value } = waiters.values().next();
  return value;
}
