import { rm } from "node:fs/promises";
import { ok } from "neverthrow";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { compact } from "../../src/infrastructure/pglite/compaction.ts";
import { openEmbeddedDatabase, type EmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { aPublishedPost, aUser } from "../../src/testing/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";

const { signal } = new AbortController();

describe("the compaction of a data directory", () => {
  let data: string;
  let database: EmbeddedDatabase;
  const contents = async () => (await database.client.query("select * from posts order by id")).rows;

  beforeEach(async () => {
    data = await copyTemplate();
    database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory: data }))._unsafeUnwrap();
    const { users, posts } = (await migratedStorage(database.client, MIGRATIONS_FOLDER))._unsafeUnwrap();
    const author = aUser();
    (await users.insert(author))._unsafeUnwrap();
    // Random text does not compress.
    const content = () => Array.from({ length: 200 }, () => crypto.randomUUID()).join(" ");
    const written = Array.from({ length: 300 }, () => aPublishedPost(author.id, { content: content() }));
    await Promise.all(written.map(async (post) => (await posts.insert(post))._unsafeUnwrap()));
    for (const { id, version } of written.slice(10)) (await posts.delete(id, version))._unsafeUnwrap();
  });
  afterEach(async () => {
    expect(await database.close()).toEqual(ok());
    await rm(data, { recursive: true, force: true });
  });

  it("returns the space of deleted posts, keeps every row, and names each table", async () => {
    const before = await contents();
    const tables: string[] = [];
    const onProgress = ({ table }: { readonly table: string }) => void tables.push(table);
    const { bytesBefore, bytesAfter } = (
      await compact(database, { freeSpaceBytes: 0, signal, onProgress })
    )._unsafeUnwrap();
    expect(bytesAfter).toBeLessThan(bytesBefore / 2);
    expect(tables).toContain("posts");
    expect(await contents()).toEqual(before);
    expect(before).toHaveLength(10);
    // The next start recognises the new files.
    expect(await database.close()).toEqual(ok());
    database = (await openEmbeddedDatabase({ ...embeddedDefaults, directory: data }))._unsafeUnwrap();
    expect(await contents()).toEqual(before);
  });

  it("stops between two tables when it is cancelled, and keeps every row", async () => {
    const before = await contents();
    const stopping = new AbortController();
    const options = { freeSpaceBytes: 0, signal: stopping.signal, onProgress: () => stopping.abort() };
    const cancelled = (await compact(database, options))._unsafeUnwrapErr();
    expect(cancelled).toMatchObject({ kind: "compaction_cancelled", done: 0 });
    expect(await contents()).toEqual(before);
  });

  it("refuses a table for whose copy the disk has no space, and changes nothing", async () => {
    const options = { freeSpaceBytes: Number.MAX_SAFE_INTEGER, signal, onProgress: () => {} };
    expect((await compact(database, options))._unsafeUnwrapErr()).toMatchObject({
      kind: "disk_too_small",
      purpose: "compact",
    });
  });
});
