import { closeSync, fsyncSync, openSync } from "node:fs";

/** Flushes the contents of a file, or the entries of a directory, so that they survive a power cut. */
export function fsyncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
