import { createRequire } from "node:module";

/** The programs of the other runtimes, which npm has installed; `null` if there is none for this machine. */
export const DENO = installed("deno", "deno");
// The install script of bun moves the program there, if npm runs scripts.
export const BUN = installed("bun", "bin/bun") ?? createRequire(import.meta.url).resolve("bun/bin/bun.exe");

/** The end of the title of a test whose program is missing. */
export const NO_PROGRAM = ` (skipped: npm has no program for ${process.platform} on ${process.arch})`;

/** The program for this machine that npm has installed as an optional dependency. It needs no install script. */
function installed(name: string, path: string): string | null {
  const ofTests = createRequire(import.meta.url);
  const { optionalDependencies } = ofTests(`${name}/package.json`) as { optionalDependencies: Record<string, string> };
  const ofPackage = createRequire(ofTests.resolve(`${name}/package.json`));
  for (const dependency of Object.keys(optionalDependencies)) {
    try {
      return ofPackage.resolve(`${dependency}/${path}`);
    } catch {
      // This optional dependency is for another platform.
    }
  }
  return null;
}
