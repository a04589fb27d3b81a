import { createReadStream, existsSync } from "node:fs";
import { access, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fsyncDirectory } from "../directory/atomic-write.ts";
import { createDirectory } from "../directory/create-directory.ts";
import { backupTime, type BackupStore } from "./backup-store.ts";
import { createPacedFile } from "./paced-file.ts";
import { removePaced } from "./paced-removal.ts";
import { diskPause } from "./pause.ts";

/** The end of the name until the backup is proven. */
const PARTIAL = ".partial";
/** A partial file of this age is left over from a backup that was killed. */
const MAX_PARTIAL_AGE_MS = 86_400_000;

/** Backups as files of a directory, which is created if it is missing. */
export function fileStore(path: string): BackupStore {
  const directory = resolve(path);
  const at = (name: string) => join(directory, name);
  const partialAt = (name: string) => at(`${name}${PARTIAL}`);
  return {
    location: directory,
    locationOf: at,
    prepare: async (name) => {
      await createDirectory(directory);
      await removeLeftovers(directory);
      await rm(partialAt(name), { force: true });
      await (await open(partialAt(name), "wx", 0o600)).close();
      await rm(partialAt(name));
    },
    write: async (name, source) => writeFile(partialAt(name), source),
    readUnproven: async (name) => createReadStream(partialAt(name)),
    accept: async (name) => {
      await rename(partialAt(name), at(name));
      await fsyncDirectory(directory);
    },
    discard: async (name) => removePaced(partialAt(name), diskPause),
    list: async () => (await readdir(directory)).filter((name) => backupTime(name) !== null).toSorted(),
    read: async (name) => {
      await access(at(name));
      return createReadStream(at(name));
    },
    remove: async (name) => {
      // A backup that is removed in part must not look whole. Another process may have removed it already.
      if (existsSync(at(name))) await rename(at(name), partialAt(name));
      await removePaced(partialAt(name), diskPause);
    },
  };
}

/** The store and the name of a backup whose file has this path. */
export function fileAt(path: string): { readonly store: BackupStore; readonly name: string } {
  return { store: fileStore(dirname(path)), name: basename(path) };
}

async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(PARTIAL) || backupTime(name.slice(0, -PARTIAL.length)) === null) continue;
    const path = join(directory, name);
    if (Date.now() - (await stat(path)).mtimeMs > MAX_PARTIAL_AGE_MS) await rm(path, { force: true });
  }
}

async function writeFile(path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  const file = await createPacedFile(path, diskPause);
  try {
    for await (const chunk of source) await file.write(chunk);
    await file.flush();
  } finally {
    await file.close();
  }
}
