import type { Reporter, TestCase } from "vitest/node";

const REASON = / ?\(skipped: (.*?)\)/;

/** Prints each skipped test with the reason. The reason is in the title as `(skipped: …)`, or the test passes it to `skip`. */
export function skippedTestsReporter(): Reporter {
  // A run of selected tests skips all others on purpose.
  let isFiltered = false;
  return {
    onInit: ({ config }) => {
      isFiltered = config.testNamePattern !== undefined;
    },
    onTestRunEnd: (modules) => {
      const skipped = modules.flatMap((module) => [...module.children.allTests("skipped")]).filter(isOnPurpose);
      if (isFiltered || skipped.length === 0) return;
      const lines = skipped.map((test) => `  ${test.fullName.replace(REASON, "")}: ${reasonOf(test)}`);
      process.stdout.write(`\nSkipped tests, and why:\n${lines.join("\n")}\n`);
    },
  };
}

/** Tests that were skipped by a failed hook are left out, because the run reports the hook itself. */
function isOnPurpose(test: TestCase): boolean {
  return test.options.mode === "skip" || noteOf(test) !== undefined;
}

function noteOf(test: TestCase): string | undefined {
  const result = test.result();
  return result.state === "skipped" ? result.note : undefined;
}

function reasonOf(test: TestCase): string {
  return noteOf(test) ?? REASON.exec(test.fullName)?.[1] ?? "no reason given";
}
