import { err, ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { checkSpaceForCopy, type DiskTooSmall } from "./directory/disk-space.ts";
import type { EmbeddedDatabase } from "./embedded-database.ts";

export interface CompactionProgress {
  readonly table: string;
  /** The tables that are done, and all tables. */
  readonly done: number;
  readonly total: number;
}

export interface Compaction {
  /** The size of all tables with their indexes. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** The operator has stopped it. The tables that were done are compact, and the others are unchanged. */
export interface CompactionCancelled {
  readonly kind: "compaction_cancelled";
  readonly done: number;
  readonly total: number;
}

interface CompactionOptions {
  readonly freeSpaceBytes: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CompactionProgress) => void;
}

/** From the smallest to the largest, so that each one frees space for the next. */
const TABLES = `select c.oid::regclass::text as table, pg_total_relation_size(c.oid)::float8 as bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 2, 1`;

/**
 * Writes each table anew without its free space (VACUUM FULL, PostgreSQL 18), with new indexes. A table is replaced in one
 * transaction, so a kill at any moment leaves the old or the new one.
 */
export async function compact(
  { directory, client, changeSchema }: Pick<EmbeddedDatabase, "directory" | "client" | "changeSchema">,
  { freeSpaceBytes, signal, onProgress }: CompactionOptions,
): Promise<Result<Compaction, DiskTooSmall | CompactionCancelled>> {
  const readTables = async () => (await client.query<{ table: string; bytes: number }>(TABLES)).rows;
  const tables = await readTables();
  for (const [done, { table, bytes }] of tables.entries()) {
    const progress = { table, done, total: tables.length };
    onProgress(progress);
    if (signal.aborted) return fail({ kind: "compaction_cancelled", done, total: tables.length });
    // The log has the new table too, until the checkpoint.
    const space = checkSpaceForCopy(directory, { bytes: 2 * bytes, files: 0 }, freeSpaceBytes, "compact");
    if (space.isErr()) return err(space.error);
    await changeSchema(async () => void (await client.query(`vacuum (full, analyze) ${table}`)));
  }
  const sum = (sizes: typeof tables) => sizes.reduce((total, { bytes }) => total + bytes, 0);
  return ok({ bytesBefore: sum(tables), bytesAfter: sum(await readTables()) });
}
