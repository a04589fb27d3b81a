import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { copyTemplate, createDatabase, databaseUrl } from "../support/test-storage.ts";
import { canOpenTerminals, openTerminal, runCli, runUnreadCli, startServer } from "./server.ts";

const { version } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };

let directory: string;
let data: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-cli-"));
  data = await copyTemplate();
});
afterAll(async () => Promise.all([directory, data].map(async (each) => rm(each, { recursive: true }))));

const GRACE = ["--name", "Grace", "--email", "grace@example.org", "--password-stdin"];

const run = async (options: readonly string[], input = "") => runCli(options, { QUIRE_DATA_DIR: data }, input);

async function logInStatus(url: string, email: string, password: string): Promise<number> {
  const response = await fetch(`${url}/v1/sessions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  return response.status;
}

describe("quire", () => {
  it("says its version", async () => {
    expect(await run(["--version"])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("can be started by its own name, where a package manager has made it executable", async () => {
    expect(await readFile("dist/cli.js", "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    const { bin } = JSON.parse(await readFile("package.json", "utf8")) as { bin: object };
    expect(bin).toEqual({ quire: "dist/cli.js" });
  });

  it("repairs what only an operator can: a user is made, found, made an admin and given another password", async () => {
    const made = await run(["user", "create", ...GRACE], "the first password\n");
    const id = /with the id (\S+) in/.exec(made.stdout)?.[1] ?? "";
    const listed = await run(["user", "list"]);
    expect(listed.stdout).toBe(`${id}  author  grace@example.org  Grace\n`);
    expect(await run(["user", "role", "Grace@Example.org", "admin"])).toEqual({
      exitCode: 0,
      stdout: `grace@example.org has the role admin in ${data}.\n`,
      stderr: "",
    });
    expect(await run(["user", "password", id, "--password-stdin"], "the second password")).toEqual({
      exitCode: 0,
      stdout: `Changed the password of grace@example.org and ended all sessions of theirs in ${data}.\n`,
      stderr: "",
    });
    expect(JSON.parse((await run(["user", "list", "--json"])).stdout)).toMatchObject({ id, role: "admin" });

    const server = await startServer(data);
    const logIns = ["first", "second"].map(async (each) =>
      logInStatus(server.url, "grace@example.org", `the ${each} password`),
    );
    expect(await Promise.all(logIns)).toEqual([401, 201]);
    await server.end("SIGTERM");
  });

  it.each([
    [
      "a user that there is not",
      ["user", "role", "nobody@example.org", "admin"],
      65,
      "No user has this e-mail address",
    ],
    ["a word that names no user", ["user", "role", "nobody", "admin"], 64, "nobody names no user"],
    [
      "a role that there is not",
      ["user", "role", "grace@example.org", "boss"],
      64,
      "Allowed choices are author, admin",
    ],
    ["a password that is not given", ["user", "password", "grace@example.org"], 64, "give also: --password-stdin"],
    ["an address that is taken", ["user", "create", ...GRACE], 78, "quire user role <address> admin"],
    [
      "a password on too much input",
      ["user", "password", "grace@example.org", "--password-stdin"],
      64,
      "more than 65536 bytes",
    ],
  ])("refuses %s, and says what to do", async (what, options, exitCode, message) => {
    const input = what.includes("too much") ? "x".repeat(100_000) : "a long password";
    const ended = await run(options, input);
    expect([ended.exitCode, ended.stdout, ended.stderr]).toEqual([exitCode, "", expect.stringContaining(message)]);
  });

  it("ends quietly, with its database closed, when nobody reads its answer to the end", async () => {
    const { exitCode, stderr } = await runUnreadCli(["user", "list"], { QUIRE_DATA_DIR: data });
    expect([exitCode, stderr]).toEqual([0, ""]);
    const server = await startServer(data);
    expect((await server.end("SIGTERM")).stderr).not.toContain("unclean shutdown");
  });
});

describe("a database that is not there", () => {
  const absent = () => join(directory, "absent");

  it.each([
    ["user create", ["user", "create", ...GRACE]],
    ["user list", ["user", "list"]],
    ["user password", ["user", "password", "grace@example.org", "--password-stdin"]],
    ["user role", ["user", "role", "grace@example.org", "admin"]],
  ])("is not made by %s, which says what to do", async (_, options) => {
    const ended = await runCli(options, { QUIRE_DATA_DIR: absent() }, "a long password");
    expect(ended).toMatchObject({ exitCode: 78, stdout: "" });
    expect(ended.stderr).toContain(`There is no database of Quire in ${absent()}, and none was made.`);
    expect(existsSync(absent())).toBe(false);
  });

  it("is not made in a directory that is empty, nor on a server", async () => {
    const empty = join(directory, "empty");
    await mkdir(empty);
    const url = databaseUrl(await createDatabase());
    for (const place of [{ QUIRE_DATA_DIR: empty }, { DATABASE_URL: url }]) {
      expect((await runCli(["user", "create", ...GRACE], place, "a long password")).exitCode).toBe(78);
    }
    expect(await readdir(empty)).toEqual([]);
  });

  it("is made by user create where that is asked for", async () => {
    const asked = ["user", "create", "--new-database", ...GRACE];
    const made = await runCli(asked, { QUIRE_DATA_DIR: absent() }, "a long password");
    expect(made).toMatchObject({ exitCode: 0, stderr: "" });
    expect(made.stdout).toMatch(/^Created the author grace@example.org with the id \S+ in /);
  });
});

const terminals = canOpenTerminals();

describe.skipIf(!terminals)(`the questions of quire${terminals ? "" : " (skipped: there is no script(1))"}`, () => {
  const ask = () =>
    openTerminal(["user", "create", "--name", "Eve", "--email", "eve@example.org"], { QUIRE_DATA_DIR: data });

  const times = (text: string, part: string) => text.split(part).length - 1;

  it("clear a password that is not accepted, and ask for it again until it is the same twice", async () => {
    const terminal = ask();
    const until = async (shown: () => boolean) => expect.poll(shown, { timeout: 30_000 }).toBe(true);
    await until(() => terminal.shown().includes("Password"));
    terminal.type("short\r");
    await until(() => terminal.shown().includes("at least 8 characters"));
    terminal.type("battery staple 9\r");
    await until(() => terminal.shown().includes("The same password again"));
    terminal.type("battery stable 9\r");
    await until(() => terminal.shown().includes("The two are not the same"));
    await until(() => times(terminal.shown().split("not the same").at(-1) ?? "", "Password") > 0);
    terminal.type("battery staple 9\r");
    await until(() => (terminal.shown().split("not the same").at(-1) ?? "").includes("The same password again"));
    terminal.type("battery staple 9\r");
    expect((await terminal.ended).exitCode).toBe(0);
    expect(terminal.shown()).toContain("Created the author eve@example.org");
    expect(terminal.shown()).not.toContain("staple");

    const server = await startServer(data);
    expect(await logInStatus(server.url, "eve@example.org", "battery staple 9")).toBe(201);
    await server.end("SIGTERM");
  });

  it("end with 130 at Ctrl-C, and say that nothing was changed", async () => {
    const terminal = ask();
    await expect.poll(() => terminal.shown().includes("Password"), { timeout: 30_000 }).toBe(true);
    terminal.type("\u0003");
    expect((await terminal.ended).exitCode).toBe(130);
    expect(terminal.shown()).toContain("Nothing was changed.");
  });
});
