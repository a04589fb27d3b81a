import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "../../src/bootstrap/run-command-line.ts";
import { copyTemplate, createDatabase, databaseUrl } from "../support/test-storage.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";
import { serveInProcess } from "./in-process.ts";
import { canOpenTerminals, openTerminal, runCli, runUnreadCli } from "./server.ts";

const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };

/** Creating a database takes seconds, and more on a busy machine. */
const CREATES_DATABASE_TIMEOUT_MS = 240_000;

let directory: string;
let data: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-cli-"));
  data = await copyTemplate();
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => Promise.all([directory, data].map(async (each) => rm(each, { recursive: true }))));

const GRACE = ["--name", "Grace", "--email", "grace@example.org", "--password-stdin"];

/** Runs a command in this process, with variables of the environment. */
async function run(environment: Readonly<Record<string, string>>, args: readonly string[], input = "a long password") {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const { terminal, printed } = fakeTerminal({ input });
  const done = await runCommandLine(["node", "quire", ...args], terminal);
  vi.unstubAllEnvs();
  return { done, printed };
}

describe("the program quire", () => {
  it("prints its version", async () => {
    expect(await runCli(["--version"], {})).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("exits with 64 and writes the reason to standard error for an unknown command", async () => {
    expect(await runCli(["post"], {})).toEqual({ exitCode: 64, stdout: "", stderr: "error: unknown command 'post'\n" });
  });

  it("exits with 64 for more than 64 KiB on standard input", async () => {
    const options = ["user", "password", "grace@example.org", "--password-stdin"];
    const { exitCode, stderr } = await runCli(options, { QUIRE_DATA_DIR: data }, "x".repeat(100_000));
    expect([exitCode, stderr]).toEqual([64, "Standard input has more than 65536 bytes.\n"]);
  });

  it("can be executed by its name", async () => {
    expect(await readFile("dist/cli.js", "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    const { bin } = JSON.parse(await readFile("package.json", "utf8")) as { bin: object };
    expect(bin).toEqual({ quire: "dist/cli.js" });
  });

  it("exits with 0 and closes its database if the reader closes standard output", async () => {
    const { exitCode, stderr } = await runUnreadCli(["user", "list"], { QUIRE_DATA_DIR: data });
    expect([exitCode, stderr]).toEqual([0, ""]);
    const server = await serveInProcess(data);
    await server.stop();
    expect(server.log.lines.filter(({ level }) => level === "warn" || level === "error")).toEqual([]);
  });
});

describe("a missing database", () => {
  const absent = () => join(directory, "absent");

  it.each([
    [["user", "create", ...GRACE]],
    [["user", "list"]],
    [["user", "password", "grace@example.org", "--password-stdin"]],
    [["user", "role", "grace@example.org", "admin"]],
  ])("is not created by %j", async (args) => {
    const { done } = await run({ QUIRE_DATA_DIR: absent() }, args);
    expect(done._unsafeUnwrapErr()).toEqual({ kind: "no_database", location: absent() });
    expect(existsSync(absent())).toBe(false);
  });

  it("is not created in an empty directory or on a PostgreSQL server", async () => {
    const empty = join(directory, "empty");
    await mkdir(empty);
    const url = databaseUrl(await createDatabase());
    for (const location of [{ QUIRE_DATA_DIR: empty }, { DATABASE_URL: url }]) {
      const { done } = await run(location, ["user", "create", ...GRACE]);
      expect(done._unsafeUnwrapErr()).toMatchObject({ kind: "no_database" });
    }
    expect(await readdir(empty)).toEqual([]);
  });

  it(
    "is created by user create --new-database, and its users log in to the server",
    async () => {
      const made = await run({ QUIRE_DATA_DIR: absent() }, ["user", "create", "--new-database", ...GRACE]);
      expect(made.done.isOk()).toBe(true);
      expect(made.printed[0]).toMatch(/^Created the author grace@example.org with the id \S+ in /);
      const server = await serveInProcess(absent());
      const response = await fetch(`${server.url}/v1/sessions`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: "grace@example.org", password: "a long password" }),
      });
      expect(response.status).toBe(201);
      expect((await stat(absent())).mode & 0o777).toBe(0o700);
      await server.stop();
    },
    CREATES_DATABASE_TIMEOUT_MS,
  );
});

const terminals = canOpenTerminals();

describe.skipIf(!terminals)(`the prompts of quire${terminals ? "" : " (skipped: script(1) is missing)"}`, () => {
  const openPrompts = () =>
    openTerminal(["user", "create", "--name", "Eve", "--email", "eve@example.org"], { QUIRE_DATA_DIR: data });

  const times = (text: string, part: string) => text.split(part).length - 1;

  it("repeat until the password is valid and entered twice, and never show it", async () => {
    const terminal = openPrompts();
    const until = async (shown: () => boolean) => expect.poll(shown, { timeout: 30_000 }).toBe(true);
    await until(() => terminal.shown().includes("Password"));
    terminal.type("short\r");
    await until(() => terminal.shown().includes("at least 8 characters"));
    terminal.type("battery staple 9\r");
    await until(() => terminal.shown().includes("Repeat the password"));
    terminal.type("battery stable 9\r");
    await until(() => terminal.shown().includes("The passwords differ"));
    const afterwards = () => terminal.shown().split("passwords differ").at(-1) ?? "";
    await until(() => times(afterwards(), "Password") > 0);
    terminal.type("battery staple 9\r");
    await until(() => afterwards().includes("Repeat the password"));
    terminal.type("battery staple 9\r");
    expect((await terminal.ended).exitCode).toBe(0);
    expect(terminal.shown()).toContain("Created the author eve@example.org");
    expect(terminal.shown()).not.toContain("staple");
  });

  it("end the program with 130 at Ctrl-C", async () => {
    const terminal = openPrompts();
    await expect.poll(() => terminal.shown().includes("Password"), { timeout: 30_000 }).toBe(true);
    terminal.type("\u0003");
    expect((await terminal.ended).exitCode).toBe(130);
    expect(terminal.shown()).toContain("Nothing was changed.");
  });
});
