import { execFile } from "node:child_process";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const COPIED = ["src", "package.json", "tsconfig.base.json", ".dependency-cruiser.js", ".oxlintrc.json"];

/** Files that each break a rule; the checks below must name every one of them. */
const PLANTED = {
  "src/domain/planted-adapter.ts": 'export { systemClock } from "../infrastructure/node/system-clock.ts";',
  "src/domain/planted-global.ts": "export const pid = process.pid;",
  "src/domain/planted-cycle-a.ts": 'import { b } from "./planted-cycle-b.ts";\nexport const a = (): unknown => b;',
  "src/domain/planted-cycle-b.ts": 'import { a } from "./planted-cycle-a.ts";\nexport const b = (): unknown => a;',
  "src/application/planted-adapter.ts": 'export { uuidGenerator } from "../infrastructure/node/uuid-generator.ts";',
  "src/application/planted-global.ts": "export const later = setTimeout;",
  "src/infrastructure/planted-interface.ts": 'export { createApp } from "../interfaces/http/app.ts";',
  "src/infrastructure/pglite/engine/planted-quire.ts": 'export { fail } from "../../../domain/shared/fail.ts";',
  "src/infrastructure/pglite/engine/planted-adapter.ts": 'export { parseLsn } from "../../sql/lsn.ts";',
  "src/infrastructure/pglite/directory/planted-integrity.ts": 'export { crc32c } from "../integrity/crc32c.ts";',
  "src/infrastructure/pglite/integrity/planted-client.ts":
    'export { isFileFailure } from "../client/write-circuit-breaker.ts";',
  "src/infrastructure/pglite/client/planted-storage.ts": 'export { openPgliteStorage } from "../storage.ts";',
  "src/infrastructure/planted-contract.ts": 'export { clockContract } from "../contracts/clock.contract.ts";',
  "src/infrastructure/planted-fake.ts": 'export { fakeHasher } from "../testing/fake-hasher.ts";',
  "src/bootstrap/planted-package.ts": 'export { openMemoryStorage } from "../package/memory.ts";',
  "src/infrastructure/planted-dev-dependency.ts": 'export { assert } from "fast-check";',
  "src/interfaces/http/planted-adapter.ts": 'export { pinoLog } from "../../infrastructure/node/pino-log.ts";',
  "src/interfaces/http/planted-node.ts": 'export { readFile } from "node:fs/promises";',
  "src/interfaces/http/planted-node-server.ts": 'export { isProxy } from "../node/client-address.ts";',
  "src/interfaces/edge/planted-adapter.ts": 'export { consoleLog } from "../../infrastructure/web/console-log.ts";',
  "src/interfaces/edge/planted-node.ts": 'export { connect } from "node:net";',
  "src/infrastructure/web/planted-node.ts": 'export { connect } from "node:net";',
  "src/interfaces/cli/planted-adapter.ts": 'export { pinoLog } from "../../infrastructure/node/pino-log.ts";',
  "src/interfaces/cli/planted-bootstrap.ts": 'export { EXIT } from "../../bootstrap/exit-codes.ts";',
  "src/interfaces/node/planted-adapter.ts": 'export { pinoLog } from "../../infrastructure/node/pino-log.ts";',
};

let planted: string;

beforeAll(async () => {
  planted = await mkdtemp(join(tmpdir(), "quire-boundaries-"));
  for (const entry of COPIED) await cp(join(ROOT, entry), join(planted, entry), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(planted, "node_modules"));
  for (const [file, text] of Object.entries(PLANTED)) await writeFile(join(planted, file), `${text}\n`);
});

afterAll(async () => rm(planted, { recursive: true }));

describe("dependency-cruiser", () => {
  let modules: number;
  let violations: readonly string[];

  beforeAll(async () => {
    ({ modules, violations } = await cruise(planted));
  });

  it("reads all sources, and finds no violation beyond the planted ones", () => {
    expect(modules).toBeGreaterThan(80 + Object.keys(PLANTED).length);
    expect(violations.filter((violation) => !violation.includes("planted"))).toEqual([]);
  });

  it("catches each planted violation", () => {
    expect(violations.filter((violation) => violation.includes("planted")).toSorted()).toEqual([
      "application-imports-only-the-domain src/application/planted-adapter.ts",
      "client-does-not-import-its-callers src/infrastructure/pglite/client/planted-storage.ts",
      "contracts-are-for-tests src/infrastructure/planted-contract.ts",
      "directory-imports-only-the-engine src/infrastructure/pglite/directory/planted-integrity.ts",
      "domain-imports-only-itself src/domain/planted-adapter.ts",
      "engine-imports-only-itself src/infrastructure/pglite/engine/planted-adapter.ts",
      "engine-imports-only-itself src/infrastructure/pglite/engine/planted-quire.ts",
      "http-runs-everywhere src/infrastructure/web/planted-node.ts",
      "http-runs-everywhere src/interfaces/edge/planted-node.ts",
      "http-runs-everywhere src/interfaces/http/planted-node.ts",
      "infrastructure-does-not-import-interfaces src/infrastructure/planted-interface.ts",
      "integrity-does-not-import-the-client src/infrastructure/pglite/integrity/planted-client.ts",
      "interfaces-do-not-import-infrastructure src/interfaces/cli/planted-adapter.ts",
      "interfaces-do-not-import-infrastructure src/interfaces/cli/planted-bootstrap.ts",
      "interfaces-do-not-import-infrastructure src/interfaces/edge/planted-adapter.ts",
      "interfaces-do-not-import-infrastructure src/interfaces/http/planted-adapter.ts",
      "interfaces-do-not-import-infrastructure src/interfaces/node/planted-adapter.ts",
      "no-cycles src/domain/planted-cycle-a.ts",
      "no-dev-dependencies src/infrastructure/planted-dev-dependency.ts",
      "no-orphans src/application/planted-global.ts",
      "no-orphans src/domain/planted-global.ts",
      "nothing-imports-the-package src/bootstrap/planted-package.ts",
      "only-the-composition-root-imports-the-node-server src/interfaces/http/planted-node-server.ts",
      "testing-is-for-tests src/infrastructure/planted-fake.ts",
    ]);
  });
});

describe("the linter", () => {
  it("catches each planted import and names the remedy", async () => {
    const { output } = await run(planted, "oxlint", ["--format=json", "src"]);
    const { diagnostics } = JSON.parse(output) as { diagnostics: { code: string; help: string; filename: string }[] };
    const remedies = diagnostics
      .filter(({ code }) => code === "eslint(no-restricted-imports)")
      .map(({ filename, help }) => `${filename}: ${help.split(":")[0]}`);
    expect(remedies.toSorted()).toEqual([
      "src/application/planted-adapter.ts: A use case imports ports and no adapters",
      "src/domain/planted-adapter.ts: The domain imports only itself",
      "src/infrastructure/planted-interface.ts: An adapter does not import interfaces",
      "src/interfaces/cli/planted-adapter.ts: A command gets its database and its terminal as parameters",
      "src/interfaces/cli/planted-bootstrap.ts: A command gets its database and its terminal as parameters",
      "src/interfaces/edge/planted-adapter.ts: An interface calls use cases and runs on every runtime",
      "src/interfaces/edge/planted-node.ts: An interface calls use cases and runs on every runtime",
      "src/interfaces/http/planted-adapter.ts: An interface calls use cases and runs on every runtime",
      "src/interfaces/http/planted-node-server.ts: An interface calls use cases and runs on every runtime",
      "src/interfaces/http/planted-node.ts: An interface calls use cases and runs on every runtime",
      "src/interfaces/node/planted-adapter.ts: The Node server serves any application",
    ]);
  });
});

describe("the compiler", () => {
  const projects = ["src/domain", "src/application", "src/interfaces", "src/interfaces/cli"];
  let result: Awaited<ReturnType<typeof run>>;

  beforeAll(async () => {
    result = await run(planted, "tsc", ["--build", ...projects, "--pretty", "false"]);
  });

  it.each([
    ["src/domain", "planted-adapter.ts", "TS6307"],
    ["src/domain", "planted-global.ts", "TS2591"],
    ["src/application", "planted-adapter.ts", "TS6307"],
    ["src/application", "planted-global.ts", "TS2304"],
    ["src/interfaces", "http/planted-node-server.ts", "TS6307"],
    ["src/interfaces/cli", "planted-adapter.ts", "TS6307"],
  ])("rejects in %s the file %s with %s", (project, file, code) => {
    const { output, exitCode } = result;
    expect(exitCode).not.toBe(0);
    expect(output).toMatch(new RegExp(`${project}/${file}.*${code}`));
  });
});

describe("a bundle for an edge runtime", () => {
  it("holds the whole API and imports nothing", async () => {
    const { metafile, errors } = await bundle("src/interfaces/http/app.ts");
    expect(errors).toEqual([]);
    expect(Object.keys(metafile.inputs)).toContain("src/interfaces/http/routes/posts/list-posts.ts");
    expect(Object.values(metafile.outputs).flatMap((output) => output.imports)).toEqual([]);
  });

  it("rejects a module that needs Node", async () => {
    await expect(bundle("src/infrastructure/node/pino-log.ts")).rejects.toThrow("Could not resolve");
  });
});

async function bundle(entry: string) {
  return build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    platform: "neutral",
    mainFields: ["module", "main"],
    conditions: ["worker"],
    write: false,
    metafile: true,
    logLevel: "silent",
  });
}

async function cruise(directory: string) {
  const { output } = await run(directory, "depcruise", ["src", "--config", ".dependency-cruiser.js", "-T", "json"]);
  const { summary } = JSON.parse(output) as {
    summary: { totalCruised: number; violations: { from: string; rule: { name: string } }[] };
  };
  const violations = summary.violations.map(({ from, rule }) => `${rule.name} ${from}`);
  return { modules: summary.totalCruised, violations };
}

async function run(cwd: string, tool: string, options: readonly string[]) {
  const path = join(ROOT, "node_modules", ".bin", tool);
  return new Promise<{ output: string; exitCode: number }>((settle) => {
    const child = execFile(path, options, { cwd, maxBuffer: 50_000_000 }, (_, stdout) => {
      settle({ output: stdout, exitCode: child.exitCode ?? -1 });
    });
  });
}
