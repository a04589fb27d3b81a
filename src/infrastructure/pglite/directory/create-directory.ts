import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isMissingPath } from "../../node/is-missing-path.ts";

/**
 * Creates a directory and its missing parents, for this user alone. Throws the operating system's error.
 *
 * Node's own `recursive` option never ends where an existing directory answers ENOENT, as /proc does.
 */
export async function createDirectory(path: string): Promise<void> {
  const missing: string[] = [];
  for (let ancestor = path; ; ancestor = dirname(ancestor)) {
    try {
      await createInParent(ancestor);
      break;
    } catch (cause) {
      if (!isMissingPath(cause) || dirname(ancestor) === ancestor) throw cause;
      missing.push(ancestor);
    }
  }
  for (const directory of missing.toReversed()) await createInParent(directory);
}

/** Creates a directory in one that exists. A directory may have its path already. */
async function createInParent(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    if (!(await isDirectory(path))) throw cause;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
