import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseLsn, type Lsn } from "../../sql/lsn.ts";
import { fsyncPath } from "../engine/fsync-path.ts";
import { ACKNOWLEDGED_FILE } from "./layout.ts";

/** Records, outside the cluster, the position of the log when a write was acknowledged. */
export interface AcknowledgedPosition {
  /** Records that all writes before `lsn` were acknowledged. An earlier position changes nothing. */
  readonly record: (lsn: Lsn) => void;
  readonly close: () => void;
}

const FORM = /^[0-9A-F]{8}\/[0-9A-F]{8}\n$/;

/**
 * Opens the file with the acknowledged position, and creates it if it is missing. A new position overwrites the old one
 * in place, which works on a full disk. It is not flushed: the operating system's memory keeps it when the process
 * ends. After a power cut the file holds an earlier position, which is still true. Throws the operating system's error.
 */
export function openAcknowledgedPosition(directory: string): AcknowledgedPosition {
  const before = readAcknowledgedPosition(directory);
  const descriptor = openSync(join(directory, ACKNOWLEDGED_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
  let recorded = before ?? 0n;
  let isOpen = true;
  const write = () => writeSync(descriptor, fixedWidth(recorded), 0, "latin1");
  const close = () => {
    // A second close could close another file that got the same descriptor.
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

/** The acknowledged position of a data directory; `null` when the file is missing or unreadable. */
export function readAcknowledgedPosition(directory: string): Lsn | null {
  try {
    const text = readFileSync(join(directory, ACKNOWLEDGED_FILE), "latin1");
    return FORM.test(text) ? parseLsn(text.trimEnd()) : null;
  } catch {
    return null;
  }
}

/** All positions have the same length, so a new one overwrites the old one completely. */
function fixedWidth(lsn: Lsn): string {
  const digits = lsn.toString(16).toUpperCase().padStart(16, "0");
  return `${digits.slice(0, 8)}/${digits.slice(8)}\n`;
}
