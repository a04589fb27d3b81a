/** PostgreSQL's statistics of a table, or of the TOAST table with its long values. */
export interface TableActivity {
  /** Its name in SQL. */
  readonly table: string;
  /** The main table of a TOAST table; `null` for other tables. */
  readonly owner: string | null;
  readonly liveRows: number;
  readonly deadRows: number;
  readonly insertedSinceVacuum: number;
  readonly changedSinceAnalyze: number;
  /** Its number of rows at the last analysis. */
  readonly analysedRows: number;
  /** The size of its main file. */
  readonly bytes: number;
}

export interface TableTask {
  readonly table: string;
  readonly vacuum: boolean;
  readonly analyze: boolean;
}

/** Few enough for a short vacuum, so that other requests wait for a bounded time, whatever the size of the table. */
const VACUUM_ROWS = 10_000;
/** A segment of the write-ahead log, or the dead rows of fifteen edits of the longest post. */
const VACUUM_BYTES = 16 * 1_048_576;
/** Like autovacuum (PostgreSQL 18, 24.1.6): analyse when 50 rows and a tenth of all rows have changed. */
const ANALYZE_SHARE = 0.1;
const MIN_ANALYZE_ROWS = 50;
/** The long values of longer rows are in the TOAST table, in rows of this length (TOAST_TUPLES_PER_PAGE). */
const MAX_ROW_BYTES = 2048;

/**
 * The tables to vacuum and to analyse now. Bytes count as well as rows: each edit of a long post leaves one dead row in
 * its table and hundreds in the TOAST table.
 *
 * @param isDiskLow Whether the disk has little space. Then every dead row counts.
 */
export function planVacuum(tables: readonly TableActivity[], isDiskLow: boolean): readonly TableTask[] {
  const isVacuumDue = (table: TableActivity) => {
    if (isDiskLow) return table.deadRows > 0;
    const inserted = table.owner === null ? table.insertedSinceVacuum : 0;
    return table.deadRows + inserted >= VACUUM_ROWS || deadBytes(table) >= VACUUM_BYTES;
  };
  const vacuumed = new Set(tables.filter(isVacuumDue).map(({ table }) => table));
  return tables.flatMap((activity) => {
    const { table, owner, changedSinceAnalyze, analysedRows } = activity;
    // A vacuum of a table includes its TOAST table.
    const vacuum = vacuumed.has(table) && !(owner !== null && vacuumed.has(owner));
    const analyze =
      owner === null &&
      changedSinceAnalyze >= MIN_ANALYZE_ROWS + ANALYZE_SHARE * Math.max(analysedRows, 0) &&
      !isDiskLow;
    return vacuum || analyze ? [{ table, vacuum, analyze }] : [];
  });
}

/** The upper bound of the bytes of dead rows. */
function deadBytes({ liveRows, deadRows, bytes }: TableActivity): number {
  return deadRows === 0 ? 0 : Math.min(deadRows * MAX_ROW_BYTES, (bytes * deadRows) / (deadRows + liveRows));
}

/** The lower bound of the free bytes in the tables' files after a vacuum. */
export function reusableBytes(tables: readonly TableActivity[]): number {
  return tables
    .map(({ liveRows, deadRows, bytes }) => Math.max(0, bytes - (liveRows + deadRows) * MAX_ROW_BYTES))
    .reduce((sum, free) => sum + free, 0);
}
