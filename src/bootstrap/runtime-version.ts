import type { Runtime, RuntimeName } from "../infrastructure/node/runtime.ts";

/**
 * The oldest version of each runtime; that of Node.js is `engines` in package.json. An older one would fail later in some
 * library, when the data may be open already, and an older Deno has descriptors of its own, which the kernel cannot lock.
 */
const OLDEST: Readonly<Record<RuntimeName, readonly [major: number, minor: number]>> = {
  "Node.js": [20, 19],
  Bun: [1, 4],
  Deno: [2, 9],
};

/** The reason why this runtime cannot run the program; `null` if it can. */
export function runtimeProblem({ name, version }: Runtime): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor, oldestMinor] = OLDEST[name];
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `Quire needs ${name} ${oldestMajor}.${oldestMinor} or newer, and this is ${version}. Install a newer version of ${name}.`;
}
