import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { INDEX_CHECK_DUE_FILE } from "./layout.ts";

/** Whether an index check was postponed. It is still due after a clean shutdown. */
export function isIndexCheckDue(directory: string): boolean {
  return existsSync(join(directory, INDEX_CHECK_DUE_FILE));
}

/** Throws the operating system's error. */
export async function markIndexCheckDue(directory: string): Promise<void> {
  await writeFile(join(directory, INDEX_CHECK_DUE_FILE), "", { mode: 0o600 });
}

export async function markIndexesChecked(directory: string): Promise<void> {
  await rm(join(directory, INDEX_CHECK_DUE_FILE), { force: true });
}
