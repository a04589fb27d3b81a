/** Runs at most `maxConcurrent` tasks of one key at a time. The others wait, first come, first served. */
export function limitConcurrencyByKey(maxConcurrent: number) {
  const slotsByKey = new Map<string, { running: number; readonly waiting: (() => void)[] }>();
  return async <T>(key: string, task: () => Promise<T>): Promise<T> => {
    const slots = slotsByKey.get(key) ?? { running: 0, waiting: [] };
    slotsByKey.set(key, slots);
    if (slots.running < maxConcurrent) slots.running++;
    else await new Promise<void>((start) => slots.waiting.push(start));
    try {
      return await task();
    } finally {
      const startNext = slots.waiting.shift();
      if (startNext !== undefined) startNext();
      else if (--slots.running === 0) slotsByKey.delete(key);
    }
  };
}
