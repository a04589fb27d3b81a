import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canBeUnprivileged, runServer, UNPRIVILEGED } from "./server.ts";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

/** Enough for Node itself, but too few to read all modules at the same time. */
const FEW_FILES = 64;

/** The working directory of the server. */
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-env-"));
});
afterEach(async () => rm(directory, { recursive: true }));

const envFile = () => join(directory, ".env");
const start = async (environment: Readonly<Record<string, string>> = {}) => runServer(environment, { cwd: directory });

describe("a start with an invalid configuration", () => {
  it("exits with 78 and reports all problems of .env and of the environment, without the values", async () => {
    await writeFile(envFile(), "QUIRE_DATADIR=./s3cret\nPORT: s3cret\nQUIRE_ADMIN_PASSWORD=s3cret#s3cret\n");
    const { exitCode, stdout, stderr } = await start({ QUIRE_DURABLITY: "s3cret", PORT: "s3cret" });
    expect([exitCode, stdout]).toEqual([78, ""]);
    expect(stderr.split("\n").toSorted()).toEqual([
      "",
      "  .env, line 2, is not an assignment such as NAME=value",
      "  .env, line 3, has a # in the value of QUIRE_ADMIN_PASSWORD: put the value in quotes",
      "  PORT must be a whole number from 0 to 65535",
      "  QUIRE_ADMIN_EMAIL is missing, but QUIRE_ADMIN_PASSWORD is set; the first admin needs both",
      "  QUIRE_DATADIR is not a variable of Quire. Did you mean QUIRE_DATA_DIR?",
      "  QUIRE_DURABLITY is not a variable of Quire. Did you mean QUIRE_DURABILITY?",
      "The configuration is invalid:",
    ]);
  });

  it("creates no data directory for a misspelt variable or a path that begins with ~", async () => {
    for (const environment of [{ QUIRE_DATADIR: "./elsewhere" }, { QUIRE_DATA_DIR: "~/data" }]) {
      expect((await start(environment)).exitCode).toBe(78);
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it("reports that .env is a directory", async () => {
    await mkdir(envFile());
    const { exitCode, stderr } = await start();
    expect([exitCode, stderr]).toEqual([
      78,
      "The configuration is invalid:\n  .env cannot be read: it is a directory\n",
    ]);
  });

  it.skipIf(!canBeUnprivileged())("reports that this user may not read .env", async () => {
    await writeFile(envFile(), "PORT=0", { mode: 0o000 });
    await chmod(directory, 0o755);
    const { exitCode, stderr } = await runServer({}, { cwd: directory, uid: UNPRIVILEGED });
    expect([exitCode, stderr]).toEqual([
      78,
      "The configuration is invalid:\n  .env cannot be read: permission denied\n",
    ]);
  });

  it("exits with 70 on an old Node before it opens anything", async () => {
    const older = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.8'}})";
    const { exitCode, stderr } = await start({ NODE_OPTIONS: `--import=data:text/javascript,${older}` });
    expect([exitCode, stderr]).toEqual([
      70,
      "Quire needs Node.js 20.19 or newer, and this is 18.20.8. Install a newer version of Node.js.\n",
    ]);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("a start that the operating system refuses", () => {
  it.skipIf(!hasPrlimit)(
    "exits with a sentence and no stack trace if it may not open the files of the program",
    async () => {
      const { exitCode, stderr } = await runServer({}, { cwd: directory, openFiles: FEW_FILES });
      expect([69, 74, 78]).toContain(exitCode);
      expect(stderr).toMatch(/files/);
      expect(stderr).not.toMatch(/\n\s+at /);
    },
  );
});
