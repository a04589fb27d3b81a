import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import type { ArchiveDamaged } from "./archive.ts";
import type { BackedUpTable, Manifest } from "./manifest.ts";
import { readContents, type ReadContentsOptions, type ScratchEngineError } from "./scratch-engine.ts";

/** A table of a restored backup differs from the manifest. */
export interface TableDiffers {
  readonly kind: "table_differs";
  readonly table: string;
}

/** The reason why a copy of a database or a restored backup is not usable. */
export type CopyFailed = ScratchEngineError | ArchiveDamaged | TableDiffers;

/** Compares a restored data directory with the manifest of its backup, by an engine of its own. Returns the manifest. */
export async function compareContents(
  directory: string,
  manifest: Manifest,
  options: ReadContentsOptions,
): Promise<Result<Manifest, CopyFailed>> {
  const contents = await readContents(directory, options);
  if (contents.isErr()) return err(contents.error);
  const { schema, tables } = contents.value;
  const differing = differingTable(tables, manifest.tables);
  if (differing !== null) return fail({ kind: "table_differs", table: differing });
  const isSame = schema.newest === manifest.schema.newest && schema.migrations === manifest.schema.migrations;
  return isSame ? ok(manifest) : fail({ kind: "table_differs", table: "drizzle.__drizzle_migrations" });
}

/** The name of the first table that only one of both has, or whose rows differ; `null` if all are the same. */
function differingTable(found: readonly BackedUpTable[], expected: readonly BackedUpTable[]): string | null {
  const byName = new Map(found.map((table) => [table.table, table]));
  for (const { table, rows, checksum } of expected) {
    const same = byName.get(table);
    if (same?.rows !== rows || same.checksum !== checksum) return table;
    byName.delete(table);
  }
  const [extra] = byName.keys();
  return extra ?? null;
}
