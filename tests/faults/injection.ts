import { rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PRELOADED = fileURLToPath(new URL("injection.cjs", import.meta.url));

/** What injection.cjs reads, which says what each of it means. */
export interface Fault {
  readonly on: "fsync" | "open" | "read" | "write";
  readonly path: string;
  readonly what: "EIO" | "EMFILE" | "ENOSPC" | "hang" | "heap";
  readonly once: boolean;
}

/** The environment of a server whose engine fails when the file has a fault in it. */
export function injectable(faultFile: string): Readonly<Record<string, string>> {
  return { NODE_OPTIONS: `--require "${PRELOADED}"`, FAULT_FILE: faultFile };
}

/** Makes the file system of the engine fail from now on, or once. */
export async function inject(faultFile: string, fault: Fault): Promise<void> {
  await writeFile(`${faultFile}.unfinished`, JSON.stringify(fault));
  await rename(`${faultFile}.unfinished`, faultFile);
}
