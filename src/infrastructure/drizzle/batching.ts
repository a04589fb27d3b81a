import DataLoader from "dataloader";
import { err, type Result } from "neverthrow";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import {
  cancelledRead,
  isStorageFailure,
  type StorageFailure,
  type StorageFailureReason,
} from "../../domain/shared/storage-failure.ts";
import { commonSignal, isAborted } from "../sql/abort.ts";

/** Small enough that the first caller does not wait long for the rows of the last one. */
const MAX_BATCH_KEYS = 50;

type Lookup<Wanted, Row> = (wanted: Wanted, signal?: AbortSignal) => Promise<Result<Row | undefined, StorageFailure>>;

/**
 * Batched lookups by a unique key: the lookups of one turn of the event loop become one query. The round trip to the
 * database costs more than a row. A lookup whose signal is aborted before its query is left out.
 */
export function batchLookups<Key extends string, Row>(
  operation: string,
  keyOf: (row: Row) => Key,
  select: Select<Key, Row>,
): Lookup<Key, Row> {
  return batchLookupsBy(operation, { keyOf, keyWanted: (key: Key) => key, select });
}

/** Selects the rows of a batch. The signal is aborted when the signals of all its callers are. */
type Select<Wanted, Row> = (
  wanted: readonly Wanted[],
  signal: AbortSignal | undefined,
) => Promise<Result<readonly Row[], StorageFailure>>;

interface LookupOptions<Wanted, Key extends string, Row> {
  readonly keyOf: (row: Row) => Key;
  readonly keyWanted: (wanted: Wanted) => Key;
  readonly select: Select<Wanted, Row>;
}

/** Batched lookups by more than a key. The same row may be visible to one lookup and hidden from another. */
export function batchLookupsBy<Wanted, Key extends string, Row>(
  operation: string,
  { keyOf, keyWanted, select }: LookupOptions<Wanted, Key, Row>,
): Lookup<Wanted, Row> {
  interface Entry {
    readonly wanted: Wanted;
    readonly signal: AbortSignal | undefined;
  }
  const loader = new DataLoader<Entry, Result<Row | undefined, StorageFailure>>(
    async (entries) => {
      const waiting = entries.filter(({ signal }) => !isAborted(signal));
      if (waiting.length === 0) return entries.map(() => err(cancelledRead(operation)));
      const wanted = waiting.map((entry) => entry.wanted);
      const selected = await select(wanted, commonSignal(waiting.map(({ signal }) => signal)));
      const found = selected.map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
      const isWaiting = new Set(waiting);
      return entries.map((entry) =>
        isWaiting.has(entry) ? found.map((rows) => rows.get(keyWanted(entry.wanted))) : err(cancelledRead(operation)),
      );
    },
    { cache: false, maxBatchSize: MAX_BATCH_KEYS, batchScheduleFn: (load) => setImmediate(load) },
  );
  return async (wanted, signal) => loader.load({ wanted, signal });
}

/** A row that fails makes all rows of its statement be written again, each alone. */
const MAX_BATCH_ROWS = 50;
/** Bounds the size of a statement for the embedded engine. A row that is larger is written alone. */
const MAX_BATCH_BYTES = 1_048_576;

/**
 * Batched inserts: the inserts of one turn of the event loop become a few statements, each with one commit. Each row has
 * its own outcome: a statement that fails for one of its rows stores nothing, and then every row is written again alone,
 * once.
 *
 * @param write Returns the outcome of each row, in the order of the rows.
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
    const limit = Math.min(rows.length, start + MAX_BATCH_ROWS);
    let end = start + 1;
    for (let bytes = bytesOf(rows[start] as Row); end < limit; end++) {
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
  cancelled: true,
  outcome_unknown: true,
  full: false,
  corrupt: false,
};

function isShared(error: { readonly kind: string }): boolean {
  return isStorageFailure(error) && IS_SHARED[error.reason];
}

/**
 * Single-flight: calls with the same arguments in one turn of the event loop share one call. It begins after all of them, so
 * every caller sees the writes that were acknowledged before its own call. The signal of the shared call is aborted when the
 * signals of all callers are.
 */
export function singleFlight<Args extends readonly unknown[], T>(
  call: (signal: AbortSignal | undefined, ...args: Args) => Promise<T>,
): (signal?: AbortSignal, ...args: Args) => Promise<T> {
  const flights = new Map<string, { readonly signals: (AbortSignal | undefined)[]; readonly result: Promise<T> }>();
  return async (signal, ...args) => {
    const key = JSON.stringify(args);
    const flight = flights.get(key);
    if (flight !== undefined) {
      flight.signals.push(signal);
      return flight.result;
    }
    const signals = [signal];
    const result = new Promise<void>((settle) => setImmediate(settle)).then(async () => {
      flights.delete(key);
      return call(commonSignal(signals), ...args);
    });
    flights.set(key, { signals, result });
    return result;
  };
}
