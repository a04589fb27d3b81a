import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);

/**
 * The URL of a file in `dist`. Node itself loads the module of a Worker, so that is always the built file. The bundle has no
 * fixed depth below `dist`, so the path does not depend on this file: `imports` in package.json has `#dist/*`.
 */
export function builtFile(path: string): URL {
  return pathToFileURL(require.resolve(`#dist/${path}`));
}
