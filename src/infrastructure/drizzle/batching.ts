import DataLoader from "dataloader";
import type { Result } from "neverthrow";
import {
  isStorageFailure,
  type StorageFailure,
  type StorageFailureReason,
} from "../../domain/shared/storage-failure.ts";

/** Small enough that the first caller does not wait long for the rows of the last one. */
const MAX_BATCH_KEYS = 50;

/**
 * Batched lookups by a unique key: the lookups of one turn of the event loop become one query. The round trip to the
 * database costs more than a row.
 */
export function batchLookups<Key extends string, Row, Failure>(
  keyOf: (row: Row) => Key,
  select: (keys: readonly Key[]) => Promise<Result<readonly Row[], Failure>>,
): (key: Key) => Promise<Result<Row | undefined, Failure>> {
  return batchLookupsBy({ keyOf, requestKeyOf: (key: Key) => key, select });
}

interface BatchedLookup<Request, Key extends string, Row, Failure> {
  readonly keyOf: (row: Row) => Key;
  readonly requestKeyOf: (request: Request) => Key;
  readonly select: (requests: readonly Request[]) => Promise<Result<readonly Row[], Failure>>;
}

/** Batched lookups by a request that has more than a key, such as the rights of its viewer. */
export function batchLookupsBy<Request, Key extends string, Row, Failure>({
  keyOf,
  requestKeyOf,
  select,
}: BatchedLookup<Request, Key, Row, Failure>): (request: Request) => Promise<Result<Row | undefined, Failure>> {
  const loader = new DataLoader<Request, Result<Row | undefined, Failure>>(
    async (requests) => {
      const found = (await select(requests)).map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
      return requests.map((request) => found.map((rows) => rows.get(requestKeyOf(request))));
    },
    { cache: false, maxBatchSize: MAX_BATCH_KEYS, batchScheduleFn: (load) => setImmediate(load) },
  );
  return async (request) => loader.load(request);
}

/** The sizes of large batches. Each size is a prepared statement of its own, so there are only a few. */
const BATCH_ROWS = [50, 32, 24, 16] as const;
/** Bounds the size of a statement for the embedded engine. A row that is larger is written alone. */
const MAX_BATCH_BYTES = 1_048_576;

/**
 * Batched inserts: the inserts of one turn of the event loop become a few statements, each with one commit. Each row keeps
 * an outcome of its own: when a statement is refused for one of its rows, nothing of it is stored, and every row is
 * written again alone, once.
 *
 * @param write Returns the outcome of each row, in their order.
 * @param bytesOf The size of a row in a statement.
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

/** Splits the rows into as few statements as possible, in their order. */
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
 * Whether a failure concerns every row of a statement. Then no row is written again here, because `storage/retry.ts` alone
 * repeats transient failures. A full disk or damage, however, may concern a single row.
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
 * Single-flight for equal calls of one turn of the event loop: they share one query. No caller gets the result of a query
 * that began before its call, so each sees everything that was acknowledged before.
 */
export function singleFlight<Args extends readonly unknown[], T>(
  query: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  const scheduled = new Map<string, Promise<T>>();
  return async (...args) => {
    const key = JSON.stringify(args);
    const shared = scheduled.get(key);
    if (shared !== undefined) return shared;
    const result = new Promise<void>((settle) => setImmediate(settle)).then(async () => {
      scheduled.delete(key);
      return query(...args);
    });
    scheduled.set(key, result);
    return result;
  };
}
