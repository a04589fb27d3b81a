import { existsSync } from "node:fs";

/** The folder of package.json, which is above the sources and above the built files. */
const PACKAGE = packageAbove(new URL(".", import.meta.url));

/** A file or folder of this package, by its path from package.json. The bundle has no fixed depth, so a relative path would break. */
export function packageFile(path: string): URL {
  return new URL(path, PACKAGE);
}

function packageAbove(start: URL): URL {
  for (let folder = start; ; folder = new URL("..", folder)) {
    if (existsSync(new URL("package.json", folder))) return folder;
    if (new URL("..", folder).href === folder.href) throw new Error(`No package.json is above ${import.meta.url}.`);
  }
}
