import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compare, newAuthor, newLedger, publish } from "../faults/ledger.ts";
import { serverClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { createDatabase, databaseUrl, serverDefaults } from "../support/test-storage.ts";
import { runCli, startServer } from "./server.ts";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-move-"));
});
afterAll(async () => rm(directory, { recursive: true }));

/** Two clusters are made and four processes come and go, on a machine that runs other tests meanwhile. */
const MOVES_TIMEOUT_MS = 240_000;

describe("quire move", () => {
  it(
    "takes a server's data to PostgreSQL and back, sessions included, and says what it proved",
    async () => {
      const [first, last] = [join(directory, "first"), join(directory, "last")];
      const url = databaseUrl(await createDatabase());
      const ledger = newLedger();
      const before = await startServer(first);
      const author = await newAuthor(before.url, "ada");
      await publish(before.url, author, "Before", ledger);
      await before.end("SIGTERM");

      const there = await runCli(["move", "--from", first], { QUIRE_MOVE_TO: url });
      expect(there.exitCode).toBe(0);
      expect(there.stdout).toMatch(
        /^Both hold the same:\nusers +1 rows +checksum \d+\nposts +1 rows .*\nsessions +1 rows .*\nidempotency_keys +0 rows .*\n$/,
      );
      const between = await startServer(directory, { DATABASE_URL: url });
      await publish(between.url, author, "Between", ledger);
      expect(await compare(between.url, ledger)).toEqual({ lost: [], unsent: [] });
      await between.end("SIGTERM");

      expect((await runCli(["move", "--from", "-", "--to", "-"], {}, `${url}\n${last}\n`)).exitCode).toBe(0);
      const after = await startServer(last);
      await publish(after.url, author, "After", ledger);
      expect(ledger.acknowledged.size).toBe(3);
      expect(await compare(after.url, ledger)).toEqual({ lost: [], unsent: [] });
      await after.end("SIGTERM");

      const again = await runCli(["move", "--from", first, "--to", last], {});
      expect(again.exitCode).toBe(73);
      expect(again.stderr).toContain("has rows in users already, so nothing was moved");
    },
    MOVES_TIMEOUT_MS,
  );

  it("refuses the data directory of a running server with 75, and an impossible URL with 78", async () => {
    const data = join(directory, "running");
    const server = await startServer(data);
    const url = databaseUrl(await createDatabase());
    expect((await runCli(["move", "--from", data, "--to", url], {})).exitCode).toBe(75);
    expect((await runCli(["move", "--from", data, "--to", "postgres://a:b:c/d"], {})).exitCode).toBe(75);
    await server.end("SIGTERM");
    const refused = await runCli(["move", "--from", data, "--to", "postgres://host:port/d"], {});
    expect(refused.exitCode).toBe(78);
    expect(refused.stderr).toContain("must look like postgres://");
  });

  it("moves from no database of a server that has no schema of Quire, and gives it none", async () => {
    const server = await createDatabase();
    const url = databaseUrl(server);
    const refused = await runCli(["move", "--from", url, "--to", join(directory, "new")], {});
    expect([refused.exitCode, refused.stderr]).toEqual([
      78,
      expect.stringContaining("There is no database of Quire in"),
    ]);
    const client = serverClient({ ...serverDefaults, server });
    const tables = await client.unsafe("select tablename from pg_tables where schemaname in ('public', 'drizzle')");
    await client.end(1000);
    expect(tables).toHaveLength(0);
    expect(existsSync(join(directory, "new"))).toBe(false);
  });

  it.each([
    ["an option that is misspelt", ["--form=postgres://quire:s3cret@db/quire"], "", 64],
    ["a URL with one slash", ["--from", "postgres:/quire:s3cret@db/quire", "--to", "x"], "", 78],
    ["a URL of standard input that is none", ["--from", "-", "--to", "x"], "mysql://quire:s3cret@db/quire", 78],
    ["too few lines", ["--from", "-", "--to", "-"], "postgres://quire:s3cret@127.0.0.1:1/quire", 64],
  ])("shows no password of %s", async (_, options, input, exitCode) => {
    const ended = await runCli(["move", ...options], {}, input);
    expect(ended.exitCode).toBe(exitCode);
    expect(`${ended.stdout}${ended.stderr}`).not.toContain("s3cret");
  });

  it("says by which option and by which variable a place is named", async () => {
    const { exitCode, stderr } = await runCli(["move", "--from", directory], {});
    expect([exitCode, stderr]).toEqual([64, "error: --to is missing, and QUIRE_MOVE_TO is not set\n"]);
  });

  it("makes no directory of a mistake: not of a URL of another kind, nor of a source that is not there", async () => {
    const [data, absent] = [join(directory, "new"), join(directory, "absent")];
    const nowhere = await runCli(["move", "--from", absent, "--to", data], {});
    expect([nowhere.exitCode, nowhere.stderr]).toEqual([
      78,
      expect.stringContaining(`no database of Quire in ${absent}`),
    ]);
    const empty = join(directory, "empty");
    await mkdir(empty);
    expect((await runCli(["move", "--from", empty, "--to", data], {})).exitCode).toBe(78);
    expect(await readdir(empty)).toEqual([]);
    const foreign = await runCli(["move", "--from", "mysql://localhost/quire", "--to", data], {});
    expect([foreign.exitCode, foreign.stderr]).toEqual([78, expect.stringContaining("must look like postgres://")]);
    expect([existsSync(absent), existsSync(data)]).toEqual([false, false]);
  });
});
