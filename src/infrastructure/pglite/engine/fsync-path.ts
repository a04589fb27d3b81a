import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes a file's contents, or a directory's entries, outlast a power cut. */
export function fsyncPath(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
