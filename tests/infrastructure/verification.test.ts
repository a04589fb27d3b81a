import { existsSync } from "node:fs";
import { readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeDamage } from "../../src/bootstrap/failure-details.ts";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { serveBackups } from "../../src/infrastructure/pglite/backup/backup-server.ts";
import { readFreeSpaceSync } from "../../src/infrastructure/pglite/directory/free-space.ts";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { verify, type VerifyOptions } from "../../src/infrastructure/pglite/verification/verify.ts";
import { aPublishedPost, aRecord, aUser } from "../../src/testing/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";

const { signal } = new AbortController();

let data: string;

beforeEach(async () => {
  data = await copyTemplate();
});
afterEach(async () => rm(data, { recursive: true, force: true }));

async function openFilled() {
  const database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory: data }))._unsafeUnwrap();
  const { users, posts, idempotencyKeys, searchIndex } = (
    await migratedStorage(database.client, MIGRATIONS_FOLDER)
  )._unsafeUnwrap();
  const author = aUser();
  (await users.insert(author))._unsafeUnwrap();
  for (let post = 0; post < 20; post++) (await posts.insert(aPublishedPost(author.id)))._unsafeUnwrap();
  (await idempotencyKeys.insert(aRecord(author.id), "always"))._unsafeUnwrap();
  (await searchIndex.sweep())._unsafeUnwrap();
  return database;
}

/** Fills the data directory, and then breaks it by SQL. */
async function breakBy(...statements: readonly string[]): Promise<void> {
  const { client, close } = await openFilled();
  for (const statement of statements) await client.query(statement);
  (await close())._unsafeUnwrap();
}

/** Triggers and foreign keys do not run in this role. */
const WITHOUT_TRIGGERS = "set session_replication_role = replica";

async function verified(options: Partial<VerifyOptions> = {}) {
  const report = await verify({
    directory: data,
    freeSpaceBytes: 0,
    signal,
    onProgress: () => {},
    onCheck: () => {},
    describeDamage,
    ...options,
  });
  return report._unsafeUnwrap();
}

const damagedIn = ({ checks }: Awaited<ReturnType<typeof verified>>) =>
  checks.filter(({ status }) => status === "damaged");

describe("the verification of a data directory", () => {
  it("finds nothing in a whole database, running or stopped, runs every check, and leaves nothing behind", async () => {
    const { beginBackup, client, close } = await openFilled();
    const server = await serveBackups({ directory: data, beginBackup, log: embeddedDefaults.log });
    const checks: string[] = [];
    const running = await verified({ onCheck: (check) => checks.push(check) });
    expect(running.checks.map(({ check, status }) => [check, status])).toEqual(
      ["free space", "flush", "files", "tables", "indexes", "constraints", "posts", "quotas", "search index"].map(
        (check) => [check, "ok"],
      ),
    );
    expect(checks).toEqual(["disk", "files", "tables", "indexes", "constraints", "posts", "quotas", "search index"]);
    expect(running.checks.find(({ check }) => check === "posts")?.detail).toContain("20 posts");
    expect((await client.query("select from pg_extension where extname = 'amcheck'")).rows).toEqual([]);
    await server.close();
    (await close())._unsafeUnwrap();
    expect(damagedIn(await verified())).toEqual([]);
    expect(existsSync(join(data, "quire.backup"))).toBe(false);
  });

  it.each<[string, string, readonly string[], RegExp]>([
    [
      "constraints",
      "a post without its author",
      [
        WITHOUT_TRIGGERS,
        "update posts set author_id = gen_random_uuid() where id = (select min(id::text)::uuid from posts)",
      ],
      /posts\.posts_author_fkey: 1 rows violate it/,
    ],
    [
      "constraints",
      "a user with an unknown role",
      [
        "alter table users drop constraint users_role_check",
        "update users set role = 'emperor'",
        "alter table users add constraint users_role_check check (role in ('author', 'admin')) not valid",
      ],
      /users\.users_role_check: 1 rows violate it/,
    ],
    [
      "indexes",
      "an index that lacks a row",
      [
        "update pg_index set indisready = false where indexrelid = 'posts_updated_idx'::regclass",
        "update posts set updated_at = updated_at + interval '1 day'",
        "update pg_index set indisready = true where indexrelid = 'posts_updated_idx'::regclass",
      ],
      /posts_updated_idx: .*lacks matching index tuple/,
    ],
    [
      "posts",
      "a published post with blank content",
      [WITHOUT_TRIGGERS, "update posts set content = ' ' where id = (select min(id::text)::uuid from posts)"],
      /a published post breaks the rule content_required/,
    ],
    [
      "quotas",
      "a wrong count of bytes",
      ["update account_usage set bytes = bytes + 1"],
      /counted \d+ bytes, stores \d+/,
    ],
    [
      "search index",
      "an entry that is newer than its post",
      ["update post_search set version = 9 where ordinal = (select max(ordinal) from post_search)"],
      /1 rows are newer than their posts/,
    ],
    [
      "search index",
      "an entry that lacks a word of its post",
      [
        "update post_search set terms = ts_delete(terms, (ordinal >> 12) || '.title') where ordinal = (select max(ordinal) from post_search)",
      ],
      /^post [\da-f-]{36}: its terms differ from its text$/,
    ],
    [
      "search index",
      "an entry with another time of publication",
      ["update post_search set published_at = now() where ordinal = (select max(ordinal) from post_search)"],
      /^post [\da-f-]{36}: its terms differ from its text$/,
    ],
  ])("finds in %s: %s", async (check, _, statements, finding) => {
    await breakBy(...statements);
    const damaged = damagedIn(await verified()).filter((each) => each.check === check);
    expect(damaged.map(({ findings }) => findings.join("\n"))).toEqual([expect.stringMatching(finding) as string]);
    expect(damaged[0]?.remedy).not.toBeNull();
  });

  it("notes posts that the search index lacks, which is no damage", async () => {
    await breakBy("delete from post_search where ordinal = (select max(ordinal) from post_search)");
    const { checks } = await verified();
    expect(checks.find(({ check }) => check === "search index")).toMatchObject({
      status: "note",
      detail: expect.stringMatching(/^1 of 20 posts are not indexed yet/) as string,
    });
  });

  it("notes a disk with little free space", async () => {
    const { bytes } = readFreeSpaceSync(data);
    const { checks } = await verified({ freeSpaceBytes: Math.floor(bytes * 0.6) });
    expect(checks.find(({ check }) => check === "free space")?.status).toBe("note");
  });

  it("reports a shortened file as damage, and changes no file of the database", async () => {
    const { close } = await openFilled();
    (await close())._unsafeUnwrap();
    const base = join(data, "cluster", "base");
    const files = (await readdir(base, { recursive: true })).filter((name) => /\/\d+$/.test(name));
    const sized = await Promise.all(
      files.map(async (name) => ({ path: join(base, name), bytes: (await stat(join(base, name))).size })),
    );
    const [largest] = sized.toSorted((a, b) => b.bytes - a.bytes);
    if (largest === undefined) return expect.fail("there is no file");
    await truncate(largest.path, largest.bytes - 8192);
    const before = await stat(largest.path);
    expect(damagedIn(await verified()).map(({ check }) => check)).toEqual(["files"]);
    expect((await stat(largest.path)).mtimeMs).toBe(before.mtimeMs);
  });
});
