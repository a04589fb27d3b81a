/** What PostgreSQL's statistics say of a table, or of the TOAST table that holds the long values of one. */
export interface TableActivity {
  /** Its name, as SQL takes it. */
  readonly table: string;
  /** Of a TOAST table, the table whose values it holds; otherwise `null`. */
  readonly owner: string | null;
  readonly liveRows: number;
  readonly deadRows: number;
  readonly insertedSinceVacuum: number;
  readonly changedSinceAnalyze: number;
  /** How many rows it had when it was last analysed. */
  readonly analysedRows: number;
  /** The size of its main file. */
  readonly bytes: number;
}

export interface TableCare {
  readonly table: string;
  readonly vacuum: boolean;
  readonly analyze: boolean;
}

/** Few enough that vacuuming them is short: what the others wait for is bounded by this and not by the table's size. */
const VACUUM_ROWS = 10_000;
/** A segment of the write-ahead log: what fifteen edits of the longest post leave behind. */
const VACUUM_BYTES = 16 * 1_048_576;
/** When autovacuum analyses (PostgreSQL 18, 24.1.6): a tenth of the rows, and 50, have changed. */
const ANALYZE_SHARE = 0.1;
const ANALYZE_ROWS = 50;
/** A row that is longer has its long values moved to the TOAST table, in rows of this length (TOAST_TUPLES_PER_PAGE). */
const MAX_ROW_BYTES = 2048;

/**
 * Which tables are to be vacuumed and analysed now. Bytes count as well as rows: one long post that is edited again and
 * again leaves few dead rows in its table and hundreds for each edit in the TOAST table.
 *
 * @param isSpaceLow Whether little space is free on the disk: then all that is dead is to be made use of.
 */
export function tableCare(tables: readonly TableActivity[], isSpaceLow: boolean): readonly TableCare[] {
  const isVacuumDue = (table: TableActivity) => {
    if (isSpaceLow) return table.deadRows > 0;
    const inserted = table.owner === null ? table.insertedSinceVacuum : 0;
    return table.deadRows + inserted >= VACUUM_ROWS || deadBytes(table) >= VACUUM_BYTES;
  };
  const vacuumed = new Set(tables.filter(isVacuumDue).map(({ table }) => table));
  return tables.flatMap((activity) => {
    const { table, owner, changedSinceAnalyze, analysedRows } = activity;
    // A vacuum of a table is one of its TOAST table too.
    const vacuum = vacuumed.has(table) && !(owner !== null && vacuumed.has(owner));
    const analyze =
      owner === null && changedSinceAnalyze >= ANALYZE_ROWS + ANALYZE_SHARE * Math.max(analysedRows, 0) && !isSpaceLow;
    return vacuum || analyze ? [{ table, vacuum, analyze }] : [];
  });
}

/** How many bytes the dead rows take, at most. */
function deadBytes({ liveRows, deadRows, bytes }: TableActivity): number {
  return deadRows === 0 ? 0 : Math.min(deadRows * MAX_ROW_BYTES, (bytes * deadRows) / (deadRows + liveRows));
}

/** How many bytes of the tables' files hold no row, at least; of tables whose dead rows were vacuumed. */
export function reusableBytes(tables: readonly TableActivity[]): number {
  return tables
    .map(({ liveRows, deadRows, bytes }) => Math.max(0, bytes - (liveRows + deadRows) * MAX_ROW_BYTES))
    .reduce((sum, free) => sum + free, 0);
}
