import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../../../src/interfaces/client/client.ts";
import { CLIENT_PACKAGE_NAME } from "../../support/package-name.ts";
import { COMPILER_OPTIONS } from "../../support/packed-project.ts";
import { copyTemplate } from "../../support/test-storage.ts";
import { startServer, type RunningServer } from "../server.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const COMPILERS = [
  ["5.9", join(ROOT, "node_modules", "typescript-api", "bin", "tsc")],
  ["7", join(ROOT, "node_modules", "typescript", "bin", "tsc")],
] as const;
/** The module with gzip; and all files together, unpacked. */
const MAX_GZIP_BYTES = 4500;
const MAX_PACKAGE_BYTES = 64 * 1024;
const INSTALL_TIMEOUT_MS = 240_000;

const run = promisify(execFile);

let dataDirectory: string;
let server: RunningServer;
let project: string;

beforeAll(async () => {
  dataDirectory = await copyTemplate();
  server = await startServer(dataDirectory);
  project = await mkdtemp(join(tmpdir(), "quire-client-"));
  // The steps of `npm run pack:client` without the build, which would replace the files that other tests use.
  await run(process.execPath, ["--import", "tsx", "client-package.config.ts"], { cwd: ROOT });
  await run("npm", ["pack", "./dist/client-package", "--pack-destination", project], { cwd: ROOT });
  const tarball = (await readdir(project)).find((name) => name.endsWith(".tgz")) ?? "";
  await writeFile(join(project, "package.json"), '{"type":"module"}');
  await run("npm", ["install", `./${tarball}`, "--offline"], { cwd: project });
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await server.end("SIGTERM");
  await rm(dataDirectory, { recursive: true });
  await rm(project, { recursive: true });
});

/** The program in a document, for the server of this test, with a new user: a list then has the posts of this program only. */
async function example(document: string): Promise<string> {
  const [, program = ""] = /^```ts\n([^]*?)^```$/m.exec(await readFile(join(ROOT, document), "utf8")) ?? [];
  expect(program).toContain(`from "${CLIENT_PACKAGE_NAME}"`);
  const email = `${randomUUID()}@example.org`;
  await createClient({ url: server.url }).users.register({ name: "Ada", email, password: "correct horse" });
  return program.replace("http://127.0.0.1:3000", server.url).replace("ada@example.org", email);
}

/** Compiles the files of a folder of the project. Returns the output of the compiler. */
async function compile(tsc: string, folder: string, options: object): Promise<string> {
  const compilerOptions = { ...COMPILER_OPTIONS, types: [], skipLibCheck: false, ...options };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const compiled = run(process.execPath, [tsc, "--pretty", "false", "--project", folder]);
  return compiled.then(
    ({ stdout }) => stdout,
    (thrown: { readonly stdout: string }) => thrown.stdout,
  );
}

describe("the package of the client", () => {
  it("is the only package that its installation adds, and has no dependencies", async () => {
    const packages = await readdir(join(project, "node_modules"));
    expect(packages.filter((name) => !name.startsWith("."))).toEqual([CLIENT_PACKAGE_NAME]);
    const installed = join(project, "node_modules", CLIENT_PACKAGE_NAME);
    const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8")) as object;
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual([]);
  });

  it("has at most 4.5 kB of code with gzip, and at most 64 KiB of files", async () => {
    const installed = join(project, "node_modules", CLIENT_PACKAGE_NAME);
    const files = await Promise.all((await readdir(installed)).map(async (name) => readFile(join(installed, name))));
    expect(gzipSync(await readFile(join(installed, "client.js"))).length).toBeLessThan(MAX_GZIP_BYTES);
    expect(files.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(MAX_PACKAGE_BYTES);
  });

  it.for(
    COMPILERS.flatMap(([version, tsc]) =>
      ["bundler", "nodenext"].flatMap((resolution) =>
        ["docs/client.md", "src/interfaces/client/README.md"].map((page) => ({ version, tsc, resolution, page })),
      ),
    ),
  )(
    "has an example in $page that compiles without skipLibCheck and prints the documented output (TypeScript $version, $resolution)",
    async ({ version, tsc, resolution, page }) => {
      const program = await example(page);
      const folder = join(project, `${resolution}-${version}-${page.replaceAll("/", "-")}`);
      await mkdir(folder);
      await writeFile(join(folder, "main.ts"), program);
      const module = resolution === "bundler" ? "esnext" : resolution;
      expect(await compile(tsc, folder, { module, moduleResolution: resolution })).toBe("");
      const { stdout, stderr } = await run(process.execPath, [join(folder, "main.js")]);
      const documented = Array.from(program.matchAll(/\/\/ prints: (.*)$/gm), ([, line = ""]) => line);
      expect(documented).not.toEqual([]);
      expect({ stdout, stderr }).toEqual({ stdout: `${documented.join("\n")}\n`, stderr: "" });
    },
  );

  it("has the types that the routes of the server have", async () => {
    const written = await readFile(join(project, "node_modules", CLIENT_PACKAGE_NAME, "operations.d.ts"), "utf8");
    const names = Array.from(written.matchAll(/^export type (\w+) =/gm), ([, name = ""]) => name);
    expect(names.length).toBeGreaterThan(35);
    const folder = await mkdtemp(join(project, "types-"));
    const program = `
      import type * as Server from "${join(ROOT, "src/interfaces/client/operations.ts")}";
      import type * as Package from "${CLIENT_PACKAGE_NAME}";
      type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
      ${names.map((name) => `true satisfies Same<Server.${name}, Package.${name}>;`).join("\n")}`;
    await writeFile(join(folder, "main.ts"), program);
    const options = { module: "nodenext", lib: ["ES2024", "DOM", "DOM.Iterable"], noEmit: true };
    expect(await compile(COMPILERS[1][1], folder, { ...options, allowImportingTsExtensions: true })).toBe("");
  });
});
