import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { fsyncPath } from "../engine/fsync-path.ts";
import { parseLsn, type Lsn } from "../../sql/lsn.ts";

/** Keeps, outside the cluster, how far the log reached when a write was acknowledged. */
export interface AcknowledgedPosition {
  /** Notes that everything before `lsn` was acknowledged; a position before the noted one changes nothing. */
  readonly record: (lsn: Lsn) => void;
  readonly close: () => void;
}

export const ACKNOWLEDGED_FILE = "quire.acknowledged";

const FORM = /^[0-9A-F]{8}\/[0-9A-F]{8}\n$/;

/**
 * Opens the file of a data directory that holds the acknowledged position, and makes it when there is none. A position
 * is written over the one before, which a full disk allows, and is not flushed: it outlives the process in the
 * operating system's memory, and after a power cut it is an earlier one, which is still true. Throws what the
 * operating system refuses.
 */
export function openAcknowledgedPosition(directory: string): AcknowledgedPosition {
  const before = readAcknowledgedPosition(directory);
  const descriptor = openSync(join(directory, ACKNOWLEDGED_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
  let recorded = before ?? 0n;
  let isOpen = true;
  const write = () => writeSync(descriptor, fixedWidth(recorded), 0, "latin1");
  const close = () => {
    // By a second time the descriptor's number may be another file's.
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  if (before === null) {
    try {
      ftruncateSync(descriptor);
      write();
      fsyncSync(descriptor);
      fsyncPath(directory);
    } catch (cause) {
      close();
      throw cause;
    }
  }
  const record = (lsn: Lsn) => {
    if (lsn <= recorded) return;
    recorded = lsn;
    write();
  };
  return { record, close };
}

/** The acknowledged position of a data directory; `null` when it holds none, or none that can be read. */
export function readAcknowledgedPosition(directory: string): Lsn | null {
  try {
    const text = readFileSync(join(directory, ACKNOWLEDGED_FILE), "latin1");
    return FORM.test(text) ? parseLsn(text.trimEnd()) : null;
  } catch {
    return null;
  }
}

/** Every position takes the same bytes, so that a later one covers an earlier one whole. */
function fixedWidth(lsn: Lsn): string {
  const digits = lsn.toString(16).toUpperCase().padStart(16, "0");
  return `${digits.slice(0, 8)}/${digits.slice(8)}\n`;
}
