import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { insertInBatches } from "./batched-inserts.ts";
import type { TransferEndpoint } from "./endpoint.ts";
import {
  TRANSFERRED_TABLES,
  compareTables,
  leastKey,
  selectLastKey,
  selectRows,
  type Row,
  type TransferredRows,
  type TransferredTable,
} from "./table-copy.ts";

export interface TransferProgress {
  readonly table: string;
  /** The rows of all tables that have been copied. */
  readonly moved: number;
  readonly total: number;
}

/** The target holds rows that do not come from a transfer. */
export interface TransferTargetNotEmpty {
  readonly kind: "transfer_target_not_empty";
  readonly location: string;
  readonly table: string;
}

/** The target holds a part of an unfinished transfer from another source. */
export interface TransferTargetOfAnother {
  readonly kind: "transfer_target_of_another";
  readonly location: string;
  readonly from: string;
}

/** The source or the target failed, or the operator cancelled. The copied rows stay, and the same transfer resumes after them. */
export interface TransferInterrupted {
  readonly kind: "transfer_interrupted";
  readonly isCancelled: boolean;
  readonly cause: unknown;
}

/** The source and the target differ after the copy, because another program wrote to one of them during the transfer. */
export interface TransferDiffers {
  readonly kind: "transfer_differs";
  readonly from: TransferredRows;
  readonly to: TransferredRows;
}

export type TransferError = TransferTargetNotEmpty | TransferTargetOfAnother | TransferInterrupted | TransferDiffers;

/** Small enough that a batch of the longest posts, of 1 MiB each, fits into memory. */
const MAX_SELECT_ROWS = 100;

/**
 * Copies every row to an empty target, and then verifies by count and checksum that both are identical. It holds one batch
 * in memory. A transfer that was interrupted resumes where it stopped: until its end, the table `quire_move` in the target
 * names its source.
 *
 * @param signal Stops the transfer after a batch.
 */
export async function transfer(
  from: TransferEndpoint,
  to: TransferEndpoint,
  onProgress: (progress: TransferProgress) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<Result<readonly TransferredRows[], TransferError>> {
  try {
    const claimed = await claimTarget(from, to);
    if (claimed.isErr()) return claimed.map(() => []);
    const counts = await Promise.all(TRANSFERRED_TABLES.map(async (table) => count(from, table)));
    const total = counts.reduce((sum, rows) => sum + rows, 0);
    let moved = 0;
    for (const table of TRANSFERRED_TABLES) {
      moved += await count(to, table);
      await copyTable(from, to, table, (rows) => {
        moved += rows;
        onProgress({ table: table.name, moved, total });
        signal.throwIfAborted();
      });
    }
    return await verifyIdentical(from, to);
  } catch (cause) {
    return fail({ kind: "transfer_interrupted", isCancelled: signal.aborted, cause });
  }
}

/** Marks an empty target with the source of this transfer, or accepts a target that has this mark already. */
async function claimTarget(from: TransferEndpoint, to: TransferEndpoint): Promise<Result<void, TransferError>> {
  const [marker] = await to.select("select (to_regclass('quire_move') is not null)::text");
  if (marker?.[0] === "true") {
    const [origin] = await to.select("select place from quire_move");
    const location = origin?.[0] ?? "";
    return location === from.location
      ? ok()
      : fail({ kind: "transfer_target_of_another", location: to.location, from: location });
  }
  for (const table of TRANSFERRED_TABLES) {
    if ((await count(to, table)) > 0)
      return fail({ kind: "transfer_target_not_empty", location: to.location, table: table.name });
  }
  const location = `'${from.location.replaceAll("'", "''")}'`;
  await to.run(`create table quire_move as select ${location}::text as place`);
  return ok();
}

async function count(endpoint: TransferEndpoint, { name }: TransferredTable): Promise<number> {
  const [row] = await endpoint.select(`select count(*)::text from ${name}`);
  return Number(row?.[0]);
}

async function copyTable(
  from: TransferEndpoint,
  to: TransferEndpoint,
  table: TransferredTable,
  onCopied: (rows: number) => void,
): Promise<void> {
  const [last] = await to.select(selectLastKey(table));
  const rows = rowsAfter(from, table, last?.[0] ?? leastKey(table));
  await insertInBatches(rows, async (batch) => {
    await to.insert(table, batch);
    onCopied(batch.length);
  });
}

async function* rowsAfter(
  from: TransferEndpoint,
  table: TransferredTable,
  key: string,
): AsyncGenerator<readonly Row[], void> {
  for (let after = key, isAll = false; !isAll;) {
    const rows = await from.select(selectRows(table, MAX_SELECT_ROWS), [after]);
    after = rows.at(-1)?.[0] ?? after;
    isAll = rows.length < MAX_SELECT_ROWS;
    yield rows;
  }
}

async function verifyIdentical(
  from: TransferEndpoint,
  to: TransferEndpoint,
): Promise<Result<readonly TransferredRows[], TransferDiffers>> {
  const compared = await compareTables(from, to, TRANSFERRED_TABLES);
  if (compared.isErr())
    return fail({ kind: "transfer_differs", from: compared.error.original, to: compared.error.copy });
  await to.run("drop table quire_move");
  return ok(compared.value);
}
