import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cp, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { COMPILER_OPTIONS, packedProject } from "../../support/packed-project.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const EXAMPLE = join(ROOT, "examples", "sqlite-storage");
const GUIDE = readFileSync(join(ROOT, "docs", "adapters.md"), "utf8");
const MODULES = join(ROOT, "node_modules");
const SOURCES = readdirSync(EXAMPLE).filter((name) => name.endsWith(".ts"));

let project: string;

/** The driver is a native module, and users of Quire do not need it. The first run of this test installs it. */
async function installDriver(): Promise<void> {
  if (existsSync(join(EXAMPLE, "node_modules"))) return;
  await promisify(execFile)("npm", ["ci"], { cwd: EXAMPLE, maxBuffer: 50_000_000 });
}

beforeAll(async () => {
  await installDriver();
  project = await packedProject();
  await mkdir(join(project, "node_modules", "@types"), { recursive: true });
  for (const name of ["better-sqlite3", "@types/better-sqlite3"]) {
    await symlink(join(EXAMPLE, "node_modules", name), join(project, "node_modules", name));
  }
  for (const source of SOURCES) await cp(join(EXAMPLE, source), join(project, source));
}, 600_000);
afterAll(async () => rm(project, { recursive: true }));

/** Runs Node in the project. A failure has the output, because compilers and test runners write their errors there. */
const run = async (...options: readonly string[]) =>
  promisify(execFile)(process.execPath, options, { cwd: project, maxBuffer: 50_000_000 }).catch((thrown: unknown) => {
    throw new Error((thrown as { readonly stdout: string }).stdout);
  });

describe("the storage on SQLite", () => {
  it("compiles against the packed package, and passes the whole contract of a storage", async () => {
    const compilerOptions = { ...COMPILER_OPTIONS, module: "nodenext", outDir: "out" };
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: SOURCES }));
    await run(join(MODULES, "typescript", "bin", "tsc"), "--pretty", "false");
    const { stdout } = await run(join(MODULES, "vitest", "vitest.mjs"), "run", "out/sqlite-storage.test.js");
    expect(stdout).toMatch(/Tests .*\d{3} passed/);
  }, 300_000);

  it("is quoted line by line in the guide", () => {
    const quotes = Array.from(GUIDE.matchAll(/^```ts examples\/sqlite-storage\/([\w.-]+)\n([^]*?)^```$/gm));
    expect(quotes.length).toBeGreaterThan(4);
    for (const [, file = "", quote = ""] of quotes) {
      expect(readFileSync(join(EXAMPLE, file), "utf8")).toContain(quote);
    }
  });
});
