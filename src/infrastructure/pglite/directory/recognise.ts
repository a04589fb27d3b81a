import { readdirSync } from "node:fs";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { TRACES_OF_DATA, TRACES_OF_FIRST_START } from "./layout.ts";

/** The data directory holds foreign files. Nothing in it is changed. */
export interface DataDirectoryForeign {
  readonly kind: "data_directory_foreign";
  readonly directory: string;
  readonly found: readonly string[];
}

/**
 * Distinguishes a directory that holds data from one that is empty, or that holds the files of an interrupted first
 * start. It writes nothing, so it may run before the directory is locked. Fails with `data_directory_foreign`.
 */
export function recogniseDirectory(directory: string): Result<"used" | "new", DataDirectoryForeign> {
  const entries = readdirSync(directory);
  if (entries.some((entry) => TRACES_OF_DATA.has(entry))) return ok("used");
  const foreign = entries.filter((entry) => !TRACES_OF_FIRST_START.has(entry));
  return foreign.length > 0 ? fail({ kind: "data_directory_foreign", directory, found: foreign }) : ok("new");
}
