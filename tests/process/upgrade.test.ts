import { readFileSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { aPublishedPost, aUser } from "../../src/testing/fixtures.ts";
import { filesOf, makeOldDirectory, POSTGRESQL_17 } from "../support/old-directory.ts";
import { runCli, runServer, spawnCli, startServer } from "./server.ts";

/** An upgrade starts three PostgreSQLs and creates a cluster. */
const UPGRADE_TIMEOUT_MS = 600_000;
const OPTIONS = ["upgrade", "--pglite", POSTGRESQL_17.pglite];

const author = aUser();
const posts = ["One", "Two", "Three"].map((title) => aPublishedPost(author.id, { title }));

let template: string;
let data: string;

beforeAll(async () => {
  template = await makeOldDirectory(POSTGRESQL_17, async (client) => {
    const storage = (await migratedStorage(client, MIGRATIONS_FOLDER))._unsafeUnwrap();
    (await storage.users.insert(author))._unsafeUnwrap();
    for (const post of posts) (await storage.posts.insert(post))._unsafeUnwrap();
  });
}, UPGRADE_TIMEOUT_MS);
afterAll(async () => rm(template, { recursive: true }));
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "quire-upgrade-"));
  await cp(template, data, { recursive: true });
});
afterEach(async () => rm(data, { recursive: true }));

describe("a data directory of an older PostgreSQL", { timeout: UPGRADE_TIMEOUT_MS }, () => {
  it("ends a start, a backup and a verification with 78, and each message names quire upgrade", async () => {
    const before = await filesOf(data);
    const ended = [
      await runServer({ QUIRE_DATA_DIR: data }),
      await runCli(["verify"], { QUIRE_DATA_DIR: data }),
      await runCli(["backup", "--to", join(data, "..", "never.tar.gz")], { QUIRE_DATA_DIR: data }),
    ];
    for (const { exitCode, stderr } of ended) {
      expect([exitCode, stderr]).toEqual([78, expect.stringContaining("Upgrade it with: quire upgrade")]);
    }
    expect(await filesOf(data)).toEqual(before);
  });

  it("is upgraded as the documentation shows, and then served", async () => {
    const { exitCode, stdout, stderr } = await runCli(OPTIONS, { QUIRE_DATA_DIR: data });
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining("checking every row and every index\n")]);
    expect(comparable(stdout.replaceAll(data, "/srv/quire"))).toBe(comparable(documented("quire upgrade")));
    const server = await startServer(data);
    const response = await fetch(`${server.url}/v1/posts`);
    const { items } = (await response.json()) as { items: { title: string }[] };
    await server.end("SIGTERM");
    expect(items.map(({ title }) => title).toSorted()).toEqual(["One", "Three", "Two"]);
    const again = await runCli([...OPTIONS, "--json"], { QUIRE_DATA_DIR: data });
    expect(JSON.parse(again.stdout)).toEqual({ directory: data, postgresql: 18, from: null, kept: null, tables: [] });
  });

  it("keeps its files when the upgrade is killed, and is upgraded by the next one", async () => {
    const before = await filesOf(data);
    for (const [step, signal, exitCode] of [
      ["copying the database", "SIGKILL", null],
      ["public.account_usage", "SIGKILL", null],
      ["checking every row", "SIGINT", 130],
    ] as const) {
      const running = spawnCli(OPTIONS, { QUIRE_DATA_DIR: data });
      let shown = "";
      running.process.stderr.on("data", (chunk: Buffer) => {
        const isShown = shown.includes(step);
        shown += chunk.toString();
        if (!isShown && shown.includes(step)) running.process.kill(signal);
      });
      expect((await running.ended).exitCode).toBe(exitCode);
      const files = Object.entries(await filesOf(data)).filter(([path]) => !path.startsWith("quire.backup/"));
      expect(Object.fromEntries(files)).toEqual(before);
    }
    const { exitCode, stdout } = await runCli([...OPTIONS, "--json"], { QUIRE_DATA_DIR: data });
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ from: 17, postgresql: 18 })]);
  });

  it("names the server's own tool if the database is on a PostgreSQL server", async () => {
    const { exitCode, stderr } = await runCli(["upgrade"], { DATABASE_URL: "postgres://db.example.org/quire" });
    expect([exitCode, stderr]).toEqual([64, expect.stringContaining("pg_upgrade")]);
  });
});

/** The output of a command in docs/upgrading.md. */
function documented(command: string): string {
  const text = readFileSync(fileURLToPath(new URL("../../docs/upgrading.md", import.meta.url)), "utf8");
  const [, output] = new RegExp(`^\\$ ${command}.*\\n([^]*?)^\`\`\`$`, "m").exec(text) ?? [];
  return output ?? "";
}

/** Checksums depend on ids and times. */
function comparable(output: string): string {
  return output.replaceAll(/(?<=checksum )\d+/g, "…");
}
