import DataLoader from "dataloader";
import type { Result } from "neverthrow";

/** Few enough that the first does not wait long for the rows of the last. */
const MOST_AT_ONCE = 50;

/**
 * Looks rows up by a unique key. Those that are asked for in the same turn of the event loop are one query: what a query
 * costs is the way to the database and back, more than a row.
 */
export function lookUpTogether<Key extends string, Row, Failure>(
  keyOf: (row: Row) => Key,
  select: (keys: readonly Key[]) => Promise<Result<readonly Row[], Failure>>,
): (key: Key) => Promise<Result<Row | undefined, Failure>> {
  const loader = new DataLoader<Key, Result<Row | undefined, Failure>>(
    async (keys) => {
      const found = (await select(keys)).map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
      return keys.map((key) => found.map((rows) => rows.get(key)));
    },
    { cache: false, maxBatchSize: MOST_AT_ONCE, batchScheduleFn: (load) => setImmediate(load) },
  );
  return async (key) => loader.load(key);
}

/**
 * Asks for a list once where several ask for the same in the same turn of the event loop. Nobody gets the answer to a
 * question that was asked before theirs, so everybody sees what was acknowledged before they asked.
 */
export function askTogether<Args extends readonly unknown[], T>(
  ask: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  const waiting = new Map<string, Promise<T>>();
  return async (...args) => {
    const key = JSON.stringify(args);
    const asked = waiting.get(key);
    if (asked !== undefined) return asked;
    const answer = new Promise<void>((settle) => setImmediate(settle)).then(async () => {
      waiting.delete(key);
      return ask(...args);
    });
    waiting.set(key, answer);
    return answer;
  };
}
