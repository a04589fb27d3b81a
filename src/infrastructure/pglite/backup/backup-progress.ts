/** The step of a backup or a restoration that is running, and its bytes. `total` is an estimate, or 0 if it is not known. */
export interface BackupProgress {
  readonly step: "copy" | "check" | "write" | "read" | "install";
  readonly bytes: number;
  readonly total: number;
}

export type OnBackupProgress = (progress: BackupProgress) => void;

/** Counts the bytes of a step, and reports each change. */
export function countBytes(step: BackupProgress["step"], total: number, onProgress: OnBackupProgress) {
  let bytes = 0;
  onProgress({ step, bytes, total });
  return (more: number) => {
    bytes += more;
    onProgress({ step, bytes, total: Math.max(total, bytes) });
  };
}

/** Reports the bytes of the tables that a check has read. It begins with the indexes, which it cannot count. */
export function showCheck(onProgress: OnBackupProgress) {
  onProgress({ step: "check", bytes: 0, total: 0 });
  return (bytes: number, total: number) => onProgress({ step: "check", bytes, total });
}
