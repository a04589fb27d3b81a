/** Runs works of one key at most `maxAtOnce` at a time; the others wait, in the order of their coming. */
export function turnsByKey(maxAtOnce: number) {
  const taken = new Map<string, { running: number; readonly waiting: (() => void)[] }>();
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const turns = taken.get(key) ?? { running: 0, waiting: [] };
    taken.set(key, turns);
    if (turns.running < maxAtOnce) turns.running++;
    else await new Promise<void>((begin) => turns.waiting.push(begin));
    try {
      return await work();
    } finally {
      const beginNext = turns.waiting.shift();
      if (beginNext !== undefined) beginNext();
      else if (--turns.running === 0) taken.delete(key);
    }
  };
}
