import { err, ok, type Result } from "neverthrow";

/**
 * Nobody's turn will come in time.
 *
 * - `full`: as many wait as may, or with as many bytes.
 * - `late`: it was waited for as long as may be.
 * - `closed`: there are no more turns.
 */
export interface AdmissionRefused {
  readonly kind: "admission_refused";
  readonly reason: "full" | "late" | "closed";
}

export interface AdmissionLimits {
  readonly length: number;
  /** What waits in memory, in bytes. */
  readonly bytes: number;
  readonly ageMs: number;
  /** How many may share the engine: enough that it has the next at hand, few enough that the last is soon served. */
  readonly sharers: number;
}

export interface TurnRequest {
  /** What the one who asks holds in memory meanwhile. */
  readonly bytes: number;
  /** Whether others may have their turn at the same time; the engine does what all of them ask in order. */
  readonly isShared: boolean;
  /** Whether to pass everybody: for one who had a turn that came to nothing. */
  readonly isFirst?: boolean;
}

/** Who waits for the engine. It is bounded: what cannot be served soon is refused at once. */
export interface AdmissionQueue {
  /** Waits for a turn and gives the function that ends it. Fails with `admission_refused`. */
  take(asking: TurnRequest): Promise<Result<() => void, AdmissionRefused>>;
  /** No turn begins until `resume`; who waits grows older. */
  pause(): void;
  resume(): void;
  /** Refuses all who come from now on, and settles when all who came before had their turn or are refused. */
  close(): Promise<void>;
  /** Refuses all who wait and all who come. */
  abandon(): void;
}

interface Waiter extends TurnRequest {
  readonly settle: (turn: Result<() => void, AdmissionRefused>) => void;
  readonly since: number;
}

const SWEEP_MS = 100;

const refuse = (reason: AdmissionRefused["reason"]) => err({ kind: "admission_refused", reason } as const);

export function admissionQueue(limits: AdmissionLimits): AdmissionQueue {
  // Turns are taken from the front in bulk, so a start index is kept instead of shifting a long array each time.
  let waiters: Waiter[] = [];
  let start = 0;
  let bytesWaiting = 0;
  let sharers = 0;
  let isAlone = false;
  let isPaused = false;
  let isClosed = false;
  let whenEmpty: (() => void) | null = null;

  const length = () => waiters.length - start;

  const shift = (): Waiter | undefined => {
    const waiter = waiters[start];
    if (waiter === undefined) return undefined;
    start++;
    bytesWaiting -= waiter.bytes;
    if (start > 1024 || start === waiters.length) {
      waiters = waiters.slice(start);
      start = 0;
    }
    return waiter;
  };

  const isTaken = () => isAlone || sharers > 0;
  const mayBegin = (isShared: boolean) =>
    !isPaused && !isAlone && (isShared ? sharers < limits.sharers : sharers === 0);

  const begin = (isShared: boolean): (() => void) => {
    if (isShared) sharers++;
    else isAlone = true;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      if (isShared) sharers--;
      else isAlone = false;
      grant();
    };
  };

  const grant = () => {
    for (let next = waiters[start]; next !== undefined && mayBegin(next.isShared); next = waiters[start]) {
      shift();
      next.settle(ok(begin(next.isShared)));
    }
    if (!isTaken() && length() === 0) whenEmpty?.();
  };

  const refuseLate = () => {
    const oldest = performance.now() - limits.ageMs;
    for (let waiter = waiters[start]; waiter !== undefined && waiter.since < oldest; waiter = waiters[start]) {
      shift()?.settle(refuse("late"));
    }
    grant();
  };
  const sweep = setInterval(refuseLate, SWEEP_MS);
  sweep.unref();

  const abandon = () => {
    isClosed = true;
    clearInterval(sweep);
    for (let waiter = shift(); waiter !== undefined; waiter = shift()) waiter.settle(refuse("closed"));
    whenEmpty?.();
  };

  return {
    take: async (asking) => {
      const { bytes, isShared, isFirst = false } = asking;
      if (isClosed) return refuse("closed");
      if (length() === 0 && mayBegin(isShared)) return ok(begin(isShared));
      if (!isFirst && (length() >= limits.length || bytesWaiting + bytes > limits.bytes)) return refuse("full");
      return new Promise((settle) => {
        const waiter = { ...asking, settle, since: performance.now() };
        bytesWaiting += bytes;
        if (isFirst) waiters.splice(start, 0, waiter);
        else waiters.push(waiter);
      });
    },
    pause: () => {
      isPaused = true;
    },
    resume: () => {
      isPaused = false;
      grant();
    },
    close: async () => {
      isClosed = true;
      if (isTaken() || length() > 0) await new Promise<void>((settle) => (whenEmpty = settle));
      clearInterval(sweep);
    },
    abandon,
  };
}
