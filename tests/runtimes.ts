import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Runs the tests on each supported Node, which npx installs, then those of the server and of the client in Bun and Deno. Prints the numbers of passed
 * and failed tests of each, and fails if any run fails. Arguments replace the projects, as in: npm run test:runtimes -- --project unit
 */

/** All native packages use Node-API or are programs of their own, so one installation serves every version. */
const NODE_MAJORS = [20, 22, 24];
const VITEST = join("node_modules", "vitest", "vitest.mjs");
const given = process.argv.slice(2);
/** The projects whose tests may differ from one version of Node to another. */
const DEFAULT_PROJECTS = ["unit", "contract", "infrastructure", "process", "operations"];
const PROJECTS = given.length > 0 ? given : DEFAULT_PROJECTS.flatMap((project) => ["--project", project]);
const OTHER_RUNTIMES = ["--project", "packages", "tests/process/runtimes"];

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
}

interface Outcome {
  readonly line: string;
  readonly isPassed: boolean;
}

function runTests(
  name: string,
  [program, ...options]: readonly [string, ...string[]],
  tests: readonly string[],
): Outcome {
  const directory = mkdtempSync(join(tmpdir(), "quire-runtimes-"));
  const file = join(directory, "report.json");
  const report = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { status } = spawnSync(program, [...options, VITEST, "run", ...tests, ...report], { stdio: "inherit" });
  const { numPassedTests, numFailedTests } = reportIn(file);
  rmSync(directory, { recursive: true });
  return {
    line: `${name}: ${numPassedTests} passed, ${numFailedTests} failed${status === 0 ? "" : ` (exit code ${status})`}`,
    isPassed: status === 0 && numPassedTests > 0,
  };
}

/** A run that ends early, such as one with an unknown project, writes no report. */
function reportIn(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return { numPassedTests: 0, numFailedTests: 0 };
  }
}

const outcomes = [
  ...NODE_MAJORS.map((major) =>
    runTests(`Node ${major}`, ["npx", "--yes", "--package", `node@${major}`, "--", "node"], PROJECTS),
  ),
  runTests("Bun and Deno", [process.execPath], OTHER_RUNTIMES),
];
process.stdout.write(`\n${outcomes.map(({ line }) => line).join("\n")}\n`);
process.exitCode = outcomes.every(({ isPassed }) => isPassed) ? 0 : 1;
