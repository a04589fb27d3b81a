import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RELATION_FILES_FILE } from "../../src/infrastructure/pglite/directory/layout.ts";

/** The sizes of files that a data directory has on record. */
export async function recordedSizes(directory: string): Promise<Readonly<Record<string, number>>> {
  const text = await readFile(join(directory, RELATION_FILES_FILE), "utf8");
  return (JSON.parse(text) as { readonly sizes: Readonly<Record<string, number>> }).sizes;
}
