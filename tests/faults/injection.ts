import { rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PRELOADED = fileURLToPath(new URL("injection.cjs", import.meta.url));

/** The command that injection.cjs reads. That file describes the fields. */
export interface Fault {
  readonly on: "fsync" | "open" | "read" | "write";
  readonly path: string;
  readonly what: "EIO" | "EMFILE" | "ENOSPC" | "hang" | "heap";
  readonly once: boolean;
}

/** The environment of a server whose engine fails when `faultFile` holds a fault. */
export function injectable(faultFile: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--require "${PRELOADED}"`, FAULT_FILE: faultFile };
}

/** Makes the file system of the engine fail once, or until the file is removed. */
export async function inject(faultFile: string, fault: Fault): Promise<void> {
  await writeFile(`${faultFile}.unfinished`, JSON.stringify(fault));
  await rename(`${faultFile}.unfinished`, faultFile);
}
