/** The names of all files in a data directory. */

/** The format of the directory and PostgreSQL's major version. It is written last, when the cluster is complete. */
export const FORMAT_FILE = "quire.json";
/** The PostgreSQL cluster. */
export const CLUSTER = "cluster";
/** A cluster that is being initialised, which an interrupted first start leaves. */
export const UNFINISHED_CLUSTER = "cluster.unfinished";
/** The kernel's lock, and the process that holds it. */
export const LOCK_FILE = "quire.lock";
/** How far the write-ahead log reached at the last acknowledged write. */
export const ACKNOWLEDGED_FILE = "quire.acknowledged";
/** The sizes and checksums of the relation files at the last checkpoint. */
export const RELATION_FILES_FILE = "quire.files.json";
/** Exists while an index check is due that could not be made. */
export const INDEX_CHECK_DUE_FILE = "quire.unchecked";
/** Disk space that the engine gets when the disk is full. */
export const RESERVE_FILE = "quire.reserve";
/** Written and removed to find out whether files can be made. */
export const PROBE_FILE = "quire.probe";

/** A file beside its place, until it is complete. */
export function unfinishedPath(path: string): string {
  return `${path}.unfinished`;
}

/** The directory holds data. Where only some of these files exist, the others are missing. */
export const TRACES_OF_DATA: ReadonlySet<string> = new Set([
  FORMAT_FILE,
  CLUSTER,
  ACKNOWLEDGED_FILE,
  RELATION_FILES_FILE,
]);

/** What a first start may leave before the directory holds data. */
export const TRACES_OF_FIRST_START: ReadonlySet<string> = new Set([LOCK_FILE, UNFINISHED_CLUSTER]);
