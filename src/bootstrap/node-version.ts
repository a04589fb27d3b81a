import { EXIT } from "./exit-codes.ts";

/** As in package.json (engines). An older Node fails later, by an error of some library, when the data may be open already. */
const OLDEST_NODE = { major: 20, minor: 19 };

/** Why this Node cannot run the program; `null` when it can. */
export function nodeProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const { major: oldestMajor, minor: oldestMinor } = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `Quire needs Node.js ${oldestMajor}.${oldestMinor} or newer, and this is ${version}. Install a newer one.`;
}

/** Ends the process where its Node is too old. It must come before anything is loaded that such a Node cannot load. */
export function refuseOldNode(): void {
  const problem = nodeProblem(process.versions.node);
  if (problem === null) return;
  process.stderr.write(`${problem}\n`);
  process.exit(EXIT.software);
}
