import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isMissingPath } from "../../node/is-missing-path.ts";

/**
 * Creates a directory and its missing parents, for this user alone. Throws the operating system's error.
 *
 * Node's own `recursive` option never ends where an existing directory answers ENOENT, as /proc does.
 */
export async function createDirectory(path: string): Promise<void> {
  try {
    await createInParent(path);
  } catch (cause) {
    if (!isMissingPath(cause) || dirname(path) === path) throw cause;
    await createDirectory(dirname(path));
    await createInParent(path);
  }
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
