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
  /**
   * `rows` leaves the entries of dead rows in the indexes. To remove them, PostgreSQL reads the indexes as a whole. `freeze` does the
   * same, and freezes all rows.
   */
  readonly vacuum: "none" | "rows" | "rows_and_indexes" | "freeze";
  readonly analyze: boolean;
}

/**
 * For each table, the dead rows whose entries vacuums of this process have left in its indexes. The dead entries of earlier
 * processes are among its dead rows again after an analysis.
 */
export type DeadEntries = ReadonlyMap<string, number>;

/** Few enough new rows for a short vacuum, so that other requests wait for a bounded time, whatever the size of the table. */
const VACUUM_ROWS = 10_000;
/** A vacuum reads and writes a page for each dead row, because edits are all over a table. New rows are together. */
const DEAD_ROW_COST = 10;
/** A segment of the write-ahead log, or the dead rows of fifteen edits of the longest post. */
const VACUUM_BYTES = 16 * 1_048_576;
/** Like autovacuum (PostgreSQL 18, 24.1.6): vacuum the indexes when they have entries of as many dead rows as a fifth of all rows. */
const DEAD_ENTRIES_SHARE = 0.2;
const MIN_DEAD_ENTRIES = 1_000;
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
export function planVacuum(
  tables: readonly TableActivity[],
  isDiskLow: boolean,
  deadEntries: DeadEntries,
): readonly TableTask[] {
  const isVacuumDue = (table: TableActivity) => {
    if (isDiskLow) return table.deadRows > 0;
    // After an analysis the dead rows include those that have nothing but entries left.
    const deadRows = Math.max(0, table.deadRows - (deadEntries.get(table.table) ?? 0));
    // The rows of a long value are together in the TOAST table.
    const rows = table.owner === null ? DEAD_ROW_COST * deadRows + table.insertedSinceVacuum : deadRows;
    return rows >= VACUUM_ROWS || deadBytes({ ...table, deadRows }) >= VACUUM_BYTES;
  };
  const isIndexVacuumDue = ({ table, deadRows, liveRows }: TableActivity) => {
    const entries = deadRows + (deadEntries.get(table) ?? 0);
    return isDiskLow || entries >= Math.max(MIN_DEAD_ENTRIES, DEAD_ENTRIES_SHARE * liveRows);
  };
  return tables.flatMap((activity) => {
    const { table, owner, changedSinceAnalyze, analysedRows } = activity;
    const isVacuumed = isVacuumDue(activity);
    const vacuum = !isVacuumed ? "none" : isIndexVacuumDue(activity) ? "rows_and_indexes" : "rows";
    const analyze =
      owner === null &&
      changedSinceAnalyze >= MIN_ANALYZE_ROWS + ANALYZE_SHARE * Math.max(analysedRows, 0) &&
      !isDiskLow;
    return isVacuumed || analyze ? [{ table, vacuum, analyze }] : [];
  });
}

export function freezeTask(table: string): TableTask {
  return { table, vacuum: "freeze", analyze: false };
}

/** `returnsSpace`: a vacuum returns the free end of a file to the disk. */
export function maintenanceCommand({ table, vacuum, analyze }: TableTask, returnsSpace: boolean): string {
  if (vacuum === "none") return `analyze ${table}`;
  const options = [
    // A TOAST table has tasks of its own. New posts would otherwise make it read all that they have added to it.
    "process_toast off",
    ...(vacuum === "rows" || vacuum === "freeze" ? ["index_cleanup off"] : []),
    ...(vacuum === "freeze" ? ["freeze"] : []),
    // A page with index entries is not free, even if it has few.
    ...(returnsSpace ? ["truncate on", "index_cleanup on"] : []),
    ...(analyze ? ["analyze"] : []),
  ];
  return `vacuum (${options.join(", ")}) ${table}`;
}

/** The dead entries after a task. */
export function deadEntriesAfter(
  { table, vacuum }: TableTask,
  tables: readonly TableActivity[],
  before: DeadEntries,
): DeadEntries {
  if (vacuum === "rows_and_indexes") return new Map(before).set(table, 0);
  if (vacuum === "none") return before;
  const deadRows = tables.find((each) => each.table === table)?.deadRows ?? 0;
  return new Map(before).set(table, (before.get(table) ?? 0) + deadRows);
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
