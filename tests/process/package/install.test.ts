import { execFile, spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PACKAGE_NAME } from "../../support/package-name.ts";
import { startProgram, startWithNpm, type RunningServer } from "../server.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** The largest production install, in bytes on the disk. */
const MAX_INSTALL_BYTES = 50 * 1_048_576;
/** Packages that a production install would have for nothing, or for a few of their files. */
const UNNEEDED = new Set(["@rollup", "@scarf", "drizzle-orm", "neverthrow", "pg", "swagger-ui-dist", "typescript"]);
/** npm may have to download, and the first start creates a database. */
const INSTALL_TIMEOUT_MS = 240_000;
const BLOCK_BYTES = 512;

const run = promisify(execFile);
const ADA = { name: "Ada", email: "ada@example.org", password: "correct horse" };

let directory: string;
let installed: string;
let clone: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-package-"));
  [installed, clone] = [join(directory, "installed"), join(directory, "clone")];
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", directory], {
    cwd: ROOT,
  });
  const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
  await mkdir(installed);
  await writeFile(join(installed, "package.json"), '{"type":"module"}');
  await run("npm", ["install", join(directory, filename), "--omit=dev", "--prefer-offline"], { cwd: installed });
  await mkdir(clone);
  for (const name of ["package.json", "package-lock.json", ".npmrc"]) await cp(join(ROOT, name), join(clone, name));
  await run("npm", ["ci", "--omit=dev", "--prefer-offline"], { cwd: clone });
}, INSTALL_TIMEOUT_MS);

afterAll(async () => rm(directory, { recursive: true }));

/** The space that a folder takes on the disk. */
async function bytesOnDisk(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).blocks * BLOCK_BYTES));
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function send(server: RunningServer, path: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(`${server.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
}

describe("the package", () => {
  it(
    "has the program quire, which serves the API and keeps its data over a restart",
    { timeout: INSTALL_TIMEOUT_MS },
    async () => {
      const program = [join(installed, "node_modules/.bin/quire")] as const;
      const data = join(directory, "data");
      const first = await startProgram(program, installed, data);
      expect((await send(first, "/v1/users", ADA)).status).toBe(201);
      expect(await first.end("SIGTERM")).toMatchObject({ exitCode: 0 });

      const second = await startProgram(program, installed, data);
      const session = await send(second, "/v1/sessions", { email: ADA.email, password: ADA.password });
      expect(session.status).toBe(201);
      for (const path of await docsFiles(second))
        expect([path, (await fetch(`${second.url}${path}`)).status]).toEqual([path, 200]);
      expect(await second.end("SIGTERM")).toMatchObject({ exitCode: 0 });
    },
  );

  it("runs with npx", async () => {
    const { stdout } = await run("npx", ["--no-install", "quire", "--version"], { cwd: installed });
    const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(stdout).toBe(`${version}\n`);
  });

  it("loads each module that it exports, but for the contracts and the WebAssembly of workers", async () => {
    const { exports } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { exports: object };
    // The contracts need vitest, and Node does not import WebAssembly.
    const paths = Object.keys(exports).filter((path) => path !== "./contracts" && !path.endsWith(".wasm"));
    const modules = paths.map((path) => PACKAGE_NAME + path.slice(1));
    expect(modules).toContain(`${PACKAGE_NAME}/client`);
    const program = modules.map((module) => `await import(${JSON.stringify(module)});`).join("\n");
    const { stderr } = await run(process.execPath, ["--input-type=module", "--eval", program], { cwd: installed });
    expect(stderr).toBe("");
  });

  it("has no source maps, no build information and no snapshots of the schema", async () => {
    const files = await readdir(join(installed, "node_modules", PACKAGE_NAME), { recursive: true });
    expect(files.filter((file) => /\.(?:map|tsbuildinfo)$|_snapshot\.json$/.test(file))).toEqual([]);
    expect(files).toContain("dist/THIRD-PARTY-LICENCES.txt");
  });

  it.each(["installed", "clone"])("needs at most 50 MiB without development dependencies (%s)", async (kind) => {
    const modules = join(kind === "clone" ? clone : installed, "node_modules");
    expect(await bytesOnDisk(modules)).toBeLessThan(MAX_INSTALL_BYTES);
    const packages = await readdir(modules);
    expect(packages.filter((name) => UNNEEDED.has(name))).toEqual([]);
  });
});

describe("npm start in a clone without development dependencies", () => {
  it("says what is missing without a build, and starts with one", { timeout: INSTALL_TIMEOUT_MS }, async () => {
    const { PATH, HOME } = process.env;
    const missing = spawnSync("npm", ["start"], { cwd: clone, env: { PATH, HOME }, encoding: "utf8" });
    expect([missing.status, missing.stderr]).toEqual([70, "Quire is not built. Run: npm ci && npm run build\n"]);

    for (const name of ["dist", "drizzle"]) await cp(join(ROOT, name), join(clone, name), { recursive: true });
    const server = await startWithNpm(join(directory, "clone-data"), clone);
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    const { stderr } = await server.end("SIGTERM");
    expect(stderr).toContain('"msg":"stopped"');
    const steps = [
      "initialising a new database, which takes some seconds",
      "new database initialised",
      "schema migrated",
    ];
    for (const step of steps) expect(stderr).toContain(`"msg":"${step}"`);
  });
});

/** The files that the page /docs loads. */
async function docsFiles(server: RunningServer): Promise<readonly string[]> {
  const page = await (await fetch(`${server.url}/docs`)).text();
  const paths = Array.from(page.matchAll(/(?:href|src)="(\/docs\/[^"]+)"/g), ([, path = ""]) => path);
  expect(paths.length).toBeGreaterThan(3);
  return paths;
}
