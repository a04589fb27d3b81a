import DataLoader from "dataloader";
import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/storage-failure.ts";

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
  return lookUpAskedTogether({ keyOf, keyAskedFor: (key: Key) => key, select });
}

interface LookUp<Asked, Key extends string, Row, Failure> {
  readonly keyOf: (row: Row) => Key;
  readonly keyAskedFor: (asked: Asked) => Key;
  readonly select: (asked: readonly Asked[]) => Promise<Result<readonly Row[], Failure>>;
}

/** The same where the one who asks gives more than a key: a row that is there for one of them may be none for another. */
export function lookUpAskedTogether<Asked, Key extends string, Row, Failure>({
  keyOf,
  keyAskedFor,
  select,
}: LookUp<Asked, Key, Row, Failure>): (asked: Asked) => Promise<Result<Row | undefined, Failure>> {
  const loader = new DataLoader<Asked, Result<Row | undefined, Failure>>(
    async (asked) => {
      const found = (await select(asked)).map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
      return asked.map((each) => found.map((rows) => rows.get(keyAskedFor(each))));
    },
    { cache: false, maxBatchSize: MOST_AT_ONCE, batchScheduleFn: (load) => setImmediate(load) },
  );
  return async (asked) => loader.load(asked);
}

/** Each number of rows may be a statement of its own. */
const MOST_ROWS_AT_ONCE = 16;

/**
 * Writes rows that are given in the same turn of the event loop by one statement, which is one commit. Each still has an
 * outcome of its own: where one is refused, nothing of the statement is kept, and each is written again alone.
 *
 * @param write Gives what became of each row, in their order.
 */
export function writeTogether<Row, Outcome, Refusal extends { readonly kind: string }>(
  write: (rows: readonly Row[]) => Promise<Result<readonly Outcome[], Refusal | StorageFailure>>,
): (row: Row) => Promise<Result<Outcome, Refusal | StorageFailure>> {
  const alone = async (row: Row) => (await write([row])).map(([outcome]) => outcome as Outcome);
  const loader = new DataLoader<Row, Result<Outcome, Refusal | StorageFailure>>(
    async (rows) => {
      if (rows.length === 1) return Promise.all(rows.map(alone));
      const written = await write(rows).catch(() => null);
      if (written !== null && (written.isOk() || SHARED_FAILURES.has(written.error.kind)))
        return rows.map((_, index) => written.map((outcomes) => outcomes[index] as Outcome));
      return Promise.all(rows.map(async (row) => alone(row).catch((defect: unknown) => defect as Error)));
    },
    { cache: false, maxBatchSize: MOST_ROWS_AT_ONCE, batchScheduleFn: (load) => setImmediate(load) },
  );
  return async (row) => loader.load(row);
}

/** The database was away for all of them, or may have kept all of them. */
const SHARED_FAILURES: ReadonlySet<string> = new Set<StorageFailure["kind"]>([
  "outcome_unknown",
  "storage_unavailable",
]);

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
