/** The same as `engines` in package.json. An older Node would fail later in some library, when the data may be open already. */
const OLDEST_NODE = { major: 20, minor: 19 };

/** The reason why this Node cannot run the program; `null` if it can. */
export function nodeProblem(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const { major: oldestMajor, minor: oldestMinor } = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `Quire needs Node.js ${oldestMajor}.${oldestMinor} or newer, and this is ${version}. Install a newer version of Node.js.`;
}
