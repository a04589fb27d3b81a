/** The names of all files in a data directory. */

/** The format of the directory and PostgreSQL's major version. It is written last, when the cluster is complete. */
export const FORMAT_FILE = "quire.json";
/** The PostgreSQL cluster. */
export const CLUSTER = "cluster";
/** A cluster that is being initialised. An interrupted first start leaves it behind. */
export const UNFINISHED_CLUSTER = "cluster.unfinished";
/** The file that the kernel locks, with the name of the process that holds it. */
export const LOCK_FILE = "quire.lock";
/** The position of the write-ahead log at the last acknowledged write. */
export const ACKNOWLEDGED_FILE = "quire.acknowledged";
/** The sizes and checksums of the relation files at the last checkpoint. */
export const RELATION_FILES_FILE = "quire.files.json";
/** Exists while a postponed index check is due. */
export const INDEX_CHECK_DUE_FILE = "quire.unchecked";
/** Disk space that is released to the engine when the disk is full. */
export const RESERVE_FILE = "quire.reserve";
/** The socket on which a running server answers requests for a backup. */
export const BACKUP_SOCKET = "quire.socket";
/** The copy of the cluster that a backup compresses, and afterwards the restored copy that proves the backup. */
export const BACKUP_SCRATCH = "quire.backup";
/** The time and the location of the newest proven backup. */
export const PROVEN_BACKUP_FILE = "quire.proven.json";
/** A backup that is being restored. It becomes the cluster in one step. An interrupted restoration leaves it behind. */
export const RESTORE_SCRATCH = "quire.restore";
/** The verified cluster of an upgrade, which is about to replace the old one. */
export const UPGRADED_CLUSTER = "cluster.upgraded";
/** The data directory from before an upgrade: the old cluster with its own files. The operator deletes it. */
export const BEFORE_UPGRADE = "quire.before-upgrade";
/** Written and removed to test whether files can be created. */
export const PROBE_FILE = "quire.probe";

/** The temporary name of a file until it is complete. */
export function unfinishedPath(path: string): string {
  return `${path}.unfinished`;
}

/** Files that show that the directory holds data. If only some of them exist, the others are missing. */
export const TRACES_OF_DATA: ReadonlySet<string> = new Set([
  FORMAT_FILE,
  CLUSTER,
  ACKNOWLEDGED_FILE,
  RELATION_FILES_FILE,
  UPGRADED_CLUSTER,
  BEFORE_UPGRADE,
]);

/** Files that a first start may leave before the directory holds data. */
export const TRACES_OF_FIRST_START: ReadonlySet<string> = new Set([LOCK_FILE, UNFINISHED_CLUSTER]);
