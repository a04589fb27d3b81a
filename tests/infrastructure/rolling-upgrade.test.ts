import { rm } from "node:fs/promises";
import { ok } from "neverthrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import type { ServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { aUser } from "../../src/testing/fixtures.ts";
import { addMigration, copyMigrations, FUTURE } from "../support/migrations-folder.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

describe("a rolling upgrade on one database", () => {
  let server: ServerUrl;
  let newer: string;
  const open: PostgresStorage[] = [];

  beforeAll(async () => {
    server = await createDatabase();
    newer = await copyMigrations();
  });
  afterAll(async () => {
    await Promise.all(open.map(async (storage) => storage.close()));
    await rm(newer, { recursive: true });
  });

  async function start(migrations: string): Promise<PostgresStorage> {
    const storage = (await openPostgresStorage({ ...serverDefaults, server, migrations }))._unsafeUnwrap();
    open.push(storage);
    return storage;
  }

  async function expectReady(storage: PostgresStorage): Promise<void> {
    expect((await storage.probe.check()).isOk()).toBe(true);
    const user = aUser();
    expect(await storage.users.insert(user)).toEqual(ok());
    expect(await storage.users.findById(user.id)).toEqual(ok(user));
  }

  it("leaves an older process ready after an expansion, and not ready after a contraction of the schema", async () => {
    const older = await start(MIGRATIONS_FOLDER);
    await expectReady(older);

    await addMigration(newer, "9997_expands", FUTURE, 'ALTER TABLE "users" ADD COLUMN "motto" text;');
    await expectReady(await start(newer));
    await expectReady(older);
    await expectReady(await start(MIGRATIONS_FOLDER));

    // It removes an object that no program has read.
    const harmless = "-- Contracts: nobody reads it.";
    await addMigration(newer, "9998_tidies", FUTURE + 1, `${harmless}\nDROP INDEX IF EXISTS "nobodys_idx";`);
    await start(newer);
    await expectReady(older);
    await expectReady(await start(MIGRATIONS_FOLDER));

    const note = "-- Contracts: before 9997_expands: a program that does not know the motto reads the name.";
    const contracting = `${note}\nALTER TABLE "users" DROP COLUMN "motto";`;
    await addMigration(newer, "9999_contracts", FUTURE + 2, contracting);
    await expectReady(await start(newer));
    expect((await older.probe.check())._unsafeUnwrapErr()).toEqual({ kind: "schema_outdated" });
    const refused = await openPostgresStorage({ ...serverDefaults, server });
    expect(refused._unsafeUnwrapErr()).toMatchObject({ kind: "migration_drift", drift: "contracted" });
  });
});
