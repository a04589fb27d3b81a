import { readdirSync } from "node:fs";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { ACKNOWLEDGED_FILE } from "./acknowledged-position.ts";
import { LOCK_FILE } from "./lock.ts";
import { RELATION_FILES_FILE } from "../integrity/relation-files.ts";

/** The data directory holds something that is not Quire's; nothing in it is touched. */
export interface DataDirectoryForeign {
  readonly kind: "data_directory_foreign";
  readonly directory: string;
  readonly found: readonly string[];
}

export const MARKER_FILE = "quire.json";
export const CLUSTER = "cluster";
export const UNFINISHED_CLUSTER = "cluster.unfinished";

/** What only a directory has that held data: where one of them is left, the rest is missing. */
const TRACES = new Set([MARKER_FILE, CLUSTER, ACKNOWLEDGED_FILE, RELATION_FILES_FILE]);

/**
 * Tells a directory that holds a cluster from one that holds nothing, or only what an interrupted initialisation left.
 * It writes nothing, so it can be asked before the directory is locked. Fails with `data_directory_foreign`.
 */
export function recogniseDirectory(directory: string): Result<"used" | "new", DataDirectoryForeign> {
  const entries = readdirSync(directory);
  if (entries.some((entry) => TRACES.has(entry))) return ok("used");
  const foreign = entries.filter((entry) => entry !== LOCK_FILE && entry !== UNFINISHED_CLUSTER);
  return foreign.length > 0 ? fail({ kind: "data_directory_foreign", directory, found: foreign }) : ok("new");
}
