import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Creates a directory and its missing parents, for this user alone. Throws the operating system's error.
 *
 * Node's own `recursive` option never ends where an existing directory answers ENOENT, as /proc does.
 */
export async function createDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  if (parent !== path && (await statIfFound(parent)) === null) await createDirectory(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (cause) {
    if ((await statIfFound(path))?.isDirectory() !== true) throw cause;
  }
}

async function statIfFound(path: string) {
  try {
    return await stat(path);
  } catch {
    return null;
  }
}
