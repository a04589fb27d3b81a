interface PeriodicWorkOptions {
  /** Time between two runs. A run that takes longer delays the next one. */
  readonly intervalMs: number;
  /** Never rejects. It calls `isStopping` between two batches, and ends when that returns true. */
  readonly run: (isStopping: () => boolean) => Promise<void>;
}

/** Work in the background that runs at the start and then at an interval. */
export interface PeriodicWork {
  /** Starts no further run, and waits for the current one. The storage may be closed afterwards. */
  stop(): Promise<void>;
}

/** Runs work now and then at an interval, never twice at a time, until it is stopped. */
export function startPeriodicWork({ intervalMs, run }: PeriodicWorkOptions): PeriodicWork {
  let isStopping = false;
  const runOnce = async (): Promise<void> => {
    if (!isStopping) await run(() => isStopping);
  };
  let last = runOnce();
  const timer = setInterval(() => {
    last = last.then(runOnce);
  }, intervalMs);
  return {
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await last;
    },
  };
}
