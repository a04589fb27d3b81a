import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClient } from "../../src/interfaces/client/client.ts";
import { CLIENT_PACKAGE_NAME, PACKAGE_NAME } from "../support/package-name.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { startServer, type RunningServer } from "./server.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TSC = join(ROOT, "node_modules", ".bin", "tsc");
const DOCUMENTS = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)];

/** Every TypeScript program in the documents. */
const SNIPPETS = DOCUMENTS.filter((name) => name.endsWith(".md")).flatMap((name) =>
  readFileSync(join(ROOT, name), "utf8")
    .split(/^```ts\n([^]*?)^```$/m)
    .filter((_, index) => index % 2 === 1)
    .map((program) => ({ name, program })),
);

/** The compiler options of a strict project that has installed quire. */
const TSCONFIG = {
  compilerOptions: { target: "ES2023", lib: ["ES2023", "DOM"], module: "nodenext", types: [], strict: true },
  files: ["snippet.ts"],
};

let dataDirectory: string;
let project: string;
let server: RunningServer;

beforeEach(async () => {
  dataDirectory = await copyTemplate();
  server = await startServer(dataDirectory);
  project = await mkdtemp(join(tmpdir(), "quire-snippet-"));
  await mkdir(join(project, "node_modules"));
  await symlink(ROOT, join(project, "node_modules", PACKAGE_NAME));
  await writeFile(join(project, "package.json"), '{"type":"module"}');
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(TSCONFIG));
});

afterEach(async () => {
  await server.end("SIGTERM");
  await rm(project, { recursive: true });
  await rm(dataDirectory, { recursive: true });
});

describe("the documents", () => {
  it.for(SNIPPETS)("have a program in $name that compiles and prints the documented output", async ({ program }) => {
    const quire = createClient({ url: server.url });
    await quire.users.register({ name: "Ada", email: "ada@example.org", password: "correct horse" });
    // tests/process/package/client.test.ts installs the client as its own package.
    const local = program
      .replace("http://127.0.0.1:3000", server.url)
      .replace(`"${CLIENT_PACKAGE_NAME}"`, `"${PACKAGE_NAME}/client"`);
    await writeFile(join(project, "snippet.ts"), local);
    expect(await run(TSC, [])).toEqual({ stdout: "", stderr: "" });
    const { stdout, stderr } = await run(process.execPath, ["snippet.js"]);
    expect(stderr).toBe("");
    const documented = Array.from(program.matchAll(/\/\/ prints: (.*)$/gm), ([, line = ""]) => line);
    expect(documented).not.toEqual([]);
    expect(stdout).toBe(`${documented.join("\n")}\n`);
  });
});

async function run(program: string, options: readonly string[]) {
  try {
    return await promisify(execFile)(program, options, { cwd: project });
  } catch (thrown) {
    const { stdout, stderr } = thrown as { stdout: string; stderr: string };
    return { stdout: "", stderr: stdout + stderr };
  }
}
