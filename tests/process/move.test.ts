import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { explain } from "../../src/bootstrap/process-failure.ts";
import { runCommandLine } from "../../src/bootstrap/run-command-line.ts";
import { serverClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { compare, newAuthor, newLedger, publish } from "../faults/ledger.ts";
import { copyTemplate, createDatabase, databaseUrl, serverDefaults } from "../support/test-storage.ts";
import { fakeTerminal } from "../unit/cli/fake-terminal.ts";
import { serveInProcess } from "./in-process.ts";

/** Two servers and two moves on a busy machine. */
const MOVES_TIMEOUT_MS = 240_000;

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-move-"));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => rm(directory, { recursive: true }));

async function move(options: readonly string[], input = "") {
  const { terminal, printed } = fakeTerminal({ input });
  const done = await runCommandLine(["node", "quire", "move", ...options], terminal);
  return { done, printed };
}

const failureOf = async (options: readonly string[], input = "") =>
  (await move(options, input)).done._unsafeUnwrapErr();

describe("quire move", () => {
  it(
    "copies posts and sessions from a data directory to PostgreSQL and back",
    async () => {
      const [first, last] = [await copyTemplate(), await copyTemplate()];
      const url = databaseUrl(await createDatabase());
      const ledger = newLedger();
      const before = await serveInProcess(first);
      const author = await newAuthor(before.url, "ada");
      await publish(before.url, author, "Before", ledger);
      await before.stop();

      vi.stubEnv("QUIRE_MOVE_TO", url);
      const there = await move(["--from", first]);
      expect(there.done.isOk()).toBe(true);
      expect(there.printed.join("\n")).toMatch(
        /^Verified: source and target are identical\.\nusers +1 rows +checksum \d+\nposts +1 rows .*\nsessions +1 rows .*\nidempotency_keys +0 rows .*$/,
      );
      const back = await move(["--from", "-", "--to", "-"], `${url}\n${last}\n`);
      expect(back.done.isOk()).toBe(true);

      const after = await serveInProcess(last);
      expect(await failureOf(["--from", last])).toMatchObject({ kind: "data_directory_in_use" });
      await publish(after.url, author, "After", ledger);
      expect(ledger.acknowledged.size).toBe(2);
      expect(await compare(after.url, ledger)).toEqual({ lost: [], unsent: [] });
      await after.stop();

      expect(await failureOf(["--from", first, "--to", last])).toMatchObject({
        kind: "transfer_target_not_empty",
        table: "users",
      });
      for (const each of [first, last]) await rm(each, { recursive: true });
    },
    MOVES_TIMEOUT_MS,
  );

  it("fails with no_database for a PostgreSQL source without Quire's schema, and does not create it", async () => {
    const server = await createDatabase();
    const url = databaseUrl(server);
    const refused = await failureOf(["--from", url, "--to", join(directory, "new")]);
    expect(refused).toMatchObject({ kind: "no_database" });
    const client = serverClient({ ...serverDefaults, server });
    const tables = await client.unsafe("select tablename from pg_tables where schemaname in ('public', 'drizzle')");
    await client.end(1000);
    expect(tables).toHaveLength(0);
    expect(existsSync(join(directory, "new"))).toBe(false);
  });

  it("creates no directory if the source does not exist, is empty or is a URL of another database", async () => {
    const [data, absent, empty] = ["new", "absent", "empty"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    await mkdir(empty);
    for (const from of [absent, empty]) {
      expect(await failureOf(["--from", from, "--to", data])).toEqual({ kind: "no_database", location: from });
    }
    expect(await readdir(empty)).toEqual([]);
    expect(await failureOf(["--from", "mysql://localhost/quire", "--to", data])).toMatchObject({
      problems: [{ variable: "--from", detail: expect.stringContaining("must look like postgres://") }],
    });
    expect([existsSync(absent), existsSync(data)]).toEqual([false, false]);
  });

  it.each([
    ["a URL with one slash", ["--from", "postgres:/quire:s3cret@db/quire", "--to", "x"], ""],
    ["an invalid URL from standard input", ["--from", "-", "--to", "x"], "mysql://quire:s3cret@db/quire"],
  ])("does not show the password of %s", async (_, options, input) => {
    const failure = await failureOf(options, input);
    expect(failure.kind).toBe("config_invalid");
    expect(explain(failure).message).not.toContain("s3cret");
  });
});
