import { ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { TransferEndpoint } from "./endpoint.ts";
import {
  TRANSFERRED_TABLES,
  NIL_ID,
  selectChecksum,
  selectLastId,
  selectRows,
  type TransferredTable,
  type Row,
} from "./table-copy.ts";

/** What a table holds, on both ends. */
export interface TransferredRows {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

export interface TransferProgress {
  readonly table: string;
  /** Of all tables together. */
  readonly moved: number;
  readonly total: number;
}

/** The target holds rows that no move has put there. */
export interface TransferTargetNotEmpty {
  readonly kind: "transfer_target_not_empty";
  readonly place: string;
  readonly table: string;
}

/** A move to the target was begun from somewhere else and not ended. */
export interface TransferTargetOfAnother {
  readonly kind: "transfer_target_of_another";
  readonly place: string;
  readonly from: string;
}

/** One of the two ended meanwhile. What was moved stays, and the same move goes on from there. */
export interface TransferInterrupted {
  readonly kind: "transfer_interrupted";
  readonly cause: unknown;
}

/** The two do not hold the same in the end: somebody has written to one of them. */
export interface TransferDiffers {
  readonly kind: "transfer_differs";
  readonly from: TransferredRows;
  readonly to: TransferredRows;
}

export type TransferError = TransferTargetNotEmpty | TransferTargetOfAnother | TransferInterrupted | TransferDiffers;

/** Few enough that as many of the longest posts, of 1 MiB each, fit into memory. */
const ROWS_AT_ONCE = 100;
/** Inserted by one statement: each costs a flush and a way to the server. */
const MAX_INSERT_ROWS = 1000;
/** In characters, of what one statement inserts: it is written out a second and a third time on its way. */
const MAX_INSERT_LENGTH = 8_388_608;

/**
 * Copies every row from one database to another that is empty, and then compares the two by count and checksum. It holds
 * no more than a batch in memory. A move that was interrupted goes on where it stopped: the target has a table that says
 * where its rows come from, until the move has ended.
 */
export async function transfer(
  from: TransferEndpoint,
  to: TransferEndpoint,
  onProgress: (progress: TransferProgress) => void,
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
      });
    }
    return await proveSame(from, to);
  } catch (cause) {
    return fail({ kind: "transfer_interrupted", cause });
  }
}

/** Makes the target this move's, or finds that it is already. */
async function claimTarget(from: TransferEndpoint, to: TransferEndpoint): Promise<Result<void, TransferError>> {
  const [marker] = await to.select("select (to_regclass('quire_move') is not null)::text");
  if (marker?.[0] === "true") {
    const [origin] = await to.select("select place from quire_move");
    const place = origin?.[0] ?? "";
    return place === from.place ? ok() : fail({ kind: "transfer_target_of_another", place: to.place, from: place });
  }
  for (const table of TRANSFERRED_TABLES) {
    if ((await count(to, table)) > 0)
      return fail({ kind: "transfer_target_not_empty", place: to.place, table: table.name });
  }
  const place = `'${from.place.replaceAll("'", "''")}'`;
  await to.run(`create table quire_move as select ${place}::text as place`);
  return ok();
}

async function count(end: TransferEndpoint, { name }: TransferredTable): Promise<number> {
  const [row] = await end.select(`select count(*)::text from ${name}`);
  return Number(row?.[0]);
}

async function copyTable(
  from: TransferEndpoint,
  to: TransferEndpoint,
  table: TransferredTable,
  note: (rows: number) => void,
): Promise<void> {
  const [last] = await to.select(selectLastId(table));
  const id = table.columns.findIndex(({ name }) => name === "id");
  let after = last?.[0] ?? NIL_ID;
  let batch: Row[] = [];
  let length = 0;
  const insertBatch = async () => {
    if (batch.length === 0) return;
    await to.insert(table, batch);
    note(batch.length);
    batch = [];
    length = 0;
  };
  for (let isAll = false; !isAll;) {
    const rows = await from.select(selectRows(table, ROWS_AT_ONCE), [after]);
    for (const row of rows) {
      const rowLength = row.reduce((sum, value) => sum + (value?.length ?? 0), 0);
      if (batch.length === MAX_INSERT_ROWS || length + rowLength > MAX_INSERT_LENGTH) await insertBatch();
      batch.push(row);
      length += rowLength;
    }
    after = rows.at(-1)?.[id] ?? after;
    isAll = rows.length < ROWS_AT_ONCE;
  }
  await insertBatch();
}

async function proveSame(
  from: TransferEndpoint,
  to: TransferEndpoint,
): Promise<Result<readonly TransferredRows[], TransferDiffers>> {
  const proven: TransferredRows[] = [];
  for (const table of TRANSFERRED_TABLES) {
    const [original, copy] = [await contents(from, table), await contents(to, table)];
    if (original.rows !== copy.rows || original.checksum !== copy.checksum) {
      return fail({ kind: "transfer_differs", from: original, to: copy });
    }
    proven.push(copy);
  }
  await to.run("drop table quire_move");
  return ok(proven);
}

async function contents(end: TransferEndpoint, table: TransferredTable): Promise<TransferredRows> {
  const [row] = await end.select(selectChecksum(table));
  return { table: table.name, rows: Number(row?.[0]), checksum: row?.[1] ?? "" };
}
