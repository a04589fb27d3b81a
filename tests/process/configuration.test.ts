import { spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canBeUnprivileged, runServer, UNPRIVILEGED } from "./server.ts";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;

/** Few enough that not all modules can be read at once, and enough for Node itself. */
const FEW_FILES = 64;

/** Where the server is started. */
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-env-"));
});
afterEach(async () => rm(directory, { recursive: true }));

const envFile = () => join(directory, ".env");
const start = async (environment: Readonly<Record<string, string>> = {}) => runServer(environment, { cwd: directory });

describe("a start with a wrong configuration", () => {
  it("names all mistakes of the file and of the environment at once, and none of the values", async () => {
    await writeFile(envFile(), "QUIRE_DATADIR=./s3cret\nPORT: s3cret\nQUIRE_ADMIN_PASSWORD=s3cret#s3cret\n");
    const { exitCode, stdout, stderr } = await start({ QUIRE_DURABLITY: "s3cret", PORT: "s3cret" });
    expect([exitCode, stdout]).toEqual([78, ""]);
    expect(stderr.split("\n").toSorted()).toEqual([
      "",
      "  .env, line 2, is no assignment such as NAME=value",
      "  .env, line 3, has a # in the value of QUIRE_ADMIN_PASSWORD: put the value in quotes",
      "  PORT must be a whole number from 0 to 65535",
      "  QUIRE_ADMIN_EMAIL is missing, though QUIRE_ADMIN_PASSWORD is set; the first admin needs both",
      "  QUIRE_DATADIR is no variable of Quire. Did you mean QUIRE_DATA_DIR?",
      "  QUIRE_DURABLITY is no variable of Quire. Did you mean QUIRE_DURABILITY?",
      "The configuration is wrong:",
    ]);
  });

  it("makes no data directory of a misspelt name, of ~ or beside a file that is wrong", async () => {
    for (const environment of [{ QUIRE_DATADIR: "./elsewhere" }, { QUIRE_DATA_DIR: "~/data" }]) {
      expect((await start(environment)).exitCode).toBe(78);
    }
    expect(await readdir(directory)).toEqual([]);
  });

  it("says in a sentence that .env is a directory", async () => {
    await mkdir(envFile());
    const { exitCode, stderr } = await start();
    expect([exitCode, stderr]).toEqual([78, "The configuration is wrong:\n  .env cannot be read: it is a directory\n"]);
  });

  it.skipIf(!canBeUnprivileged())(
    "says in a sentence that .env may not be read, as by a server that is another user",
    async () => {
      await writeFile(envFile(), "PORT=0", { mode: 0o000 });
      await chmod(directory, 0o755);
      const { exitCode, stderr } = await runServer({}, { cwd: directory, uid: UNPRIVILEGED });
      expect([exitCode, stderr]).toEqual([
        78,
        "The configuration is wrong:\n  .env cannot be read: permission denied\n",
      ]);
    },
  );

  it("says which Node it needs before it opens anything, where this one is too old", async () => {
    const older = "Object.defineProperty(process,'versions',{value:{...process.versions,node:'18.20.8'}})";
    const { exitCode, stderr } = await start({ NODE_OPTIONS: `--import=data:text/javascript,${older}` });
    expect([exitCode, stderr]).toEqual([
      70,
      "Quire needs Node.js 20.19 or newer, and this is 18.20.8. Install a newer one.\n",
    ]);
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("a start that the system refuses", () => {
  it("ends with 74 and a sentence where a file is in the place of the data directory", async () => {
    const data = join(directory, "data");
    await writeFile(data, "");
    const { exitCode, stderr } = await start({ QUIRE_DATA_DIR: data });
    expect(exitCode).toBe(74);
    expect(stderr).toMatch(/^The data directory .* cannot be used: EEXIST: .*\n$/);
  });

  it.skipIf(!hasPrlimit)(
    "ends with a sentence, and no stack, where it may not even open the files of the program",
    async () => {
      const { exitCode, stderr } = await runServer({}, { cwd: directory, openFiles: FEW_FILES });
      expect([69, 74, 78]).toContain(exitCode);
      expect(stderr).toMatch(/files/);
      expect(stderr).not.toMatch(/\n\s+at /);
    },
  );
});
