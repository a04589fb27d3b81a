const HOUR_MS = 3_600_000;

/** Work that is done at once and then once an hour. */
export interface HourlyWork {
  /** Begins no other, and waits for the one that runs: the storage may be closed then. */
  stop(): Promise<void>;
}

/** Does work that never rejects at once and then once an hour, one after the other, until it is stopped. */
export function startHourly(work: (isStopping: () => boolean) => Promise<void>): HourlyWork {
  let isStopping = false;
  const run = async (): Promise<void> => work(() => isStopping);
  let last = run();
  const timer = setInterval(() => {
    last = last.then(run);
  }, HOUR_MS);
  return {
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      await last;
    },
  };
}
