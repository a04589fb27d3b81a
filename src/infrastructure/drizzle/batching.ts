import DataLoader from "dataloader";
import type { Result } from "neverthrow";
import {
  isStorageFailure,
  type StorageFailure,
  type StorageFailureReason,
} from "../../domain/shared/storage-failure.ts";

/** Few enough that the first does not wait long for the rows of the last. */
const MAX_AT_ONCE = 50;

/**
 * Looks rows up by a unique key. Those that are asked for in the same turn of the event loop are one query: what a query
 * costs is the way to the database and back, more than a row.
 */
export function batchLookups<Key extends string, Row, Failure>(
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
    { cache: false, maxBatchSize: MAX_AT_ONCE, batchScheduleFn: (load) => setImmediate(load) },
  );
  return async (asked) => loader.load(asked);
}

/** Each number of rows is a statement of its own, so there are few of the large ones. */
const BATCH_ROWS = [50, 32, 24, 16] as const;
/** Several that are larger together would be a statement larger than the embedded engine should have to bear. */
const MAX_BATCH_BYTES = 1_048_576;

/**
 * Writes rows that are given in the same turn of the event loop by few statements, which are one commit each. Each row still
 * has an outcome of its own: where one is refused, nothing of its statement is kept, and each is written again alone.
 *
 * @param write Gives what became of each row, in their order.
 * @param bytesOf How much a row adds to a statement.
 */
export function batchInserts<Row, Outcome, Refusal extends { readonly kind: string }>(
  write: (rows: readonly Row[]) => Promise<Result<readonly Outcome[], Refusal | StorageFailure>>,
  bytesOf: (row: Row) => number,
): (row: Row) => Promise<Result<Outcome, Refusal | StorageFailure>> {
  const alone = async (row: Row) => (await write([row])).map(([outcome]) => outcome as Outcome);
  const loader = new DataLoader<Row, Result<Outcome, Refusal | StorageFailure>>(
    async (rows) => (await Promise.all(batchesOf(rows, bytesOf).map(writeBatch))).flat(),
    { cache: false, batchScheduleFn: (load) => setImmediate(load) },
  );
  const writeBatch = async (rows: readonly Row[]) => {
    if (rows.length > 1) {
      const written = await write(rows).catch(() => null);
      if (written !== null && (written.isOk() || isShared(written.error)))
        return rows.map((_, index) => written.map((outcomes) => outcomes[index] as Outcome));
    }
    return Promise.all(rows.map(async (row) => alone(row).catch((defect: unknown) => defect as Error)));
  };
  return async (row) => loader.load(row);
}

/** The rows in as few statements as may be, in their order. */
function batchesOf<Row>(rows: readonly Row[], bytesOf: (row: Row) => number): readonly (readonly Row[])[] {
  const batches: (readonly Row[])[] = [];
  for (let start = 0; start < rows.length;) {
    const left = rows.length - start;
    const most = BATCH_ROWS.find((size) => size <= left) ?? left;
    let end = start + 1;
    for (let bytes = bytesOf(rows[start] as Row); end < start + most; end++) {
      bytes += bytesOf(rows[end] as Row);
      if (bytes > MAX_BATCH_BYTES) break;
    }
    batches.push(rows.slice(start, end));
    start = end;
  }
  return batches;
}

/**
 * Whether a failure of the store is that of every row of a statement. Then no row is written again here: the decorator in
 * `storage/retry.ts` alone repeats what may pass. A single row, by contrast, may be what did not fit or met the damage.
 */
const IS_SHARED: Readonly<Record<StorageFailureReason, boolean>> = {
  unavailable: true,
  busy: true,
  outcome_unknown: true,
  full: false,
  corrupt: false,
};

function isShared(error: { readonly kind: string }): boolean {
  return isStorageFailure(error) && IS_SHARED[error.reason];
}

/**
 * Asks for a list once where several ask for the same in the same turn of the event loop. Nobody gets the answer to a
 * question that was asked before theirs, so everybody sees what was acknowledged before they asked.
 */
export function singleFlight<Args extends readonly unknown[], T>(
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
