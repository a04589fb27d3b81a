import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKAGE_NAME } from "../../support/package-name.ts";
import { COMPILER_OPTIONS, packedProject } from "../../support/packed-project.ts";
import { createDatabase, databaseUrl } from "../../support/test-storage.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const DOCS = join(ROOT, "docs");
const VITEST = join(ROOT, "node_modules", "vitest", "vitest.mjs");
const COMPILERS = [
  ["5.9", join(ROOT, "node_modules", "typescript-api", "bin", "tsc")],
  ["7", join(ROOT, "node_modules", "typescript", "bin", "tsc")],
] as const;

interface Example {
  readonly page: string;
  readonly file: string;
  readonly code: string;
}

/** The files in the documents: the blocks whose first line names a file, such as `ts main.ts`. */
const EXAMPLES = readdirSync(DOCS)
  .filter((page) => page.endsWith(".md"))
  .flatMap((page) =>
    Array.from(
      readFileSync(join(DOCS, page), "utf8").matchAll(/^```ts ([\w.-]+)\n([^]*?)^```$/gm),
      ([, file = "", code = ""]): Example => ({ page, file, code }),
    ),
  );
const TESTS = EXAMPLES.filter(({ file }) => file.endsWith(".test.ts"));
const PROGRAMS = EXAMPLES.filter(({ code }) => code.includes("// prints: "));

let project: string;

beforeAll(async () => {
  project = await packedProject();
  for (const { file, code } of EXAMPLES) await writeFile(join(project, file), code);
});
afterAll(async () => rm(project, { recursive: true }));

describe("the packed package", () => {
  it("has an example in the documents for each of its exports", () => {
    const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { exports: object };
    const imported = new Set(
      EXAMPLES.flatMap(({ code }) => Array.from(code.matchAll(/from "(quire-api[^"]*)"/g), ([, name]) => name)),
    );
    // The example of the client needs a server: snippets.test.ts runs it.
    const exported = Object.keys(exports).map((name) => PACKAGE_NAME + name.slice(1));
    expect(new Set([...imported, `${PACKAGE_NAME}/client`])).toEqual(new Set(exported));
  });

  it("has every declaration that its declarations import", () => {
    const folder = join(project, "node_modules", PACKAGE_NAME);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const declarations = files.filter((file) => file.endsWith(".d.ts"));
    const imported = declarations.flatMap((file) =>
      Array.from(
        readFileSync(join(folder, file), "utf8").matchAll(/(?:from |import\()"(\.[^"]+)\.(?:ts|js)"/g),
        ([, path = ""]) => join(dirname(file), `${path}.d.ts`),
      ),
    );
    expect(imported.length).toBeGreaterThan(declarations.length);
    expect(imported.filter((file) => !declarations.includes(file))).toEqual([]);
  });

  it.for(
    COMPILERS.flatMap(([version, tsc]) => ["bundler", "nodenext"].map((resolution) => ({ version, tsc, resolution }))),
  )(
    "has examples that compile with TypeScript $version and moduleResolution $resolution",
    async ({ tsc, resolution }) => {
      const compilerOptions = {
        ...COMPILER_OPTIONS,
        module: resolution === "bundler" ? "esnext" : resolution,
        moduleResolution: resolution,
        outDir: resolution,
      };
      const tsconfig = { compilerOptions, files: EXAMPLES.map(({ file }) => file) };
      await writeFile(join(project, "tsconfig.json"), JSON.stringify(tsconfig));
      const { output } = await run([tsc, "--pretty", "false"]);
      expect(output).toBe("");
    },
  );

  it.for(TESTS)("has a test in $page that passes: $file", async ({ file }) => {
    const { output, exitCode } = await run([VITEST, "run", `nodenext/${file.replace(/ts$/, "js")}`]);
    expect(exitCode, output).toBe(0);
    expect(output).toMatch(/Tests .*\d+ passed/);
  });

  it.for(PROGRAMS)("has a program in $page that prints the documented output: $file", async ({ file, code }) => {
    const url = code.includes("DATABASE_URL") ? databaseUrl(await createDatabase()) : "";
    const { output, exitCode } = await run([`nodenext/${file.replace(/ts$/, "js")}`], { DATABASE_URL: url });
    const documented = Array.from(code.matchAll(/\/\/ prints: (.*)$/gm), ([, line]) => `${line}\n`);
    expect({ output, exitCode }).toEqual({ output: documented.join(""), exitCode: 0 });
  });
});

/** Runs Node in the project. The output is that of both streams. */
async function run(options: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const { PATH } = process.env;
  const settings = { cwd: project, env: { PATH, NO_COLOR: "1", ...environment }, maxBuffer: 50_000_000 };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, options, settings);
    return { output: stdout + stderr, exitCode: 0 };
  } catch (thrown) {
    const { stdout, stderr, code } = thrown as { stdout: string; stderr: string; code: number };
    return { output: stdout + stderr, exitCode: code };
  }
}
