export interface ComparedTable {
  readonly table: string;
  readonly rows: number;
  readonly checksum: string;
}

/** A line for each table, with its rows and its checksum in columns. */
export function tableLines(tables: readonly ComparedTable[]): readonly string[] {
  const width = Math.max(0, ...tables.map(({ table }) => table.length));
  return tables.map(
    ({ table, rows, checksum }) => `${table.padEnd(width)} ${String(rows).padStart(10)} rows  checksum ${checksum}`,
  );
}
