import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unusedResults } from "./unused-results.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DECLARATIONS = `import { ok, type Result, type ResultAsync } from "neverthrow";
declare const close: () => Promise<Result<void, Error>>;
declare const query: () => ResultAsync<number, Error>;
export async function stop() {
`;

let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "quire-lint-"));
  await cp(join(ROOT, "tsconfig.base.json"), join(project, "tsconfig.base.json"));
  await cp(join(ROOT, "package.json"), join(project, "package.json"));
  await symlink(join(ROOT, "node_modules"), join(project, "node_modules"));
  await mkdir(join(project, "src"));
});

afterEach(async () => rm(project, { recursive: true }));

async function placesIn(statements: readonly string[]): Promise<readonly string[]> {
  await writeFile(join(project, "src/file.ts"), `${DECLARATIONS}${statements.join("\n")}\n}\n`);
  return unusedResults(project);
}

describe("the lint rule must-use-result", () => {
  it("reports every statement that drops a Result, awaited, void or bare", async () => {
    const dropped = ["await close();", "close();", "void close();", "query();", "await query();", "ok(1);"];
    const lines = (await placesIn(dropped)).map((place) => Number(place.split(":")[1]));
    expect(lines.toSorted((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it("accepts a Result that is returned, named or unwrapped, and other values", async () => {
    const used = [
      "const closed = await close();",
      "(await close()).unwrapOr(undefined);",
      'console.log("no Result");',
      "await Promise.resolve();",
      "return closed;",
    ];
    expect(await placesIn(used)).toEqual([]);
  });
});
