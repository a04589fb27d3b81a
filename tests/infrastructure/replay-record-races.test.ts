import { setTimeout as delay } from "node:timers/promises";
import { err, ok } from "neverthrow";
import { afterAll, beforeAll, expect, describe, it } from "vitest";
import type { IdempotencyRecord } from "../../src/domain/shared/idempotency-record.ts";
import { openPostgresStorage, type PostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { serverClient, type ServerClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { aRecord, aUser, DAY_MS, NOW } from "../../src/testing/fixtures.ts";
import { createDatabase, serverDefaults } from "../support/test-storage.ts";

const GATE = 42;
const DAY_LATER = new Date(NOW.getTime() + DAY_MS);

describe("a replay record that another process stores after the snapshot of a statement", () => {
  let storage: PostgresStorage;
  let client: ServerClient;

  beforeAll(async () => {
    const server = await createDatabase();
    storage = (await openPostgresStorage({ ...serverDefaults, server }))._unsafeUnwrap();
    client = serverClient({ ...serverDefaults, server, poolSize: 1 });
    // A statement trigger runs after the snapshot is taken and before a row is read (PostgreSQL 18, 37.1).
    await client.unsafe(`create function wait_at_gate() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(${GATE}); return null; end $$`);
    await client.unsafe(`create trigger gate before insert on idempotency_keys
      for each statement execute function wait_at_gate()`);
  });
  afterAll(async () => {
    await client.end(1000);
    await storage.close();
  });

  /** Resolves when a statement waits at the gate. */
  async function statementWaits(on: Pick<ServerClient, "unsafe">): Promise<void> {
    for (;;) {
      const waiting = (await on.unsafe(
        "select from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())",
      )) as readonly unknown[];
      if (waiting.length > 0) return;
      await delay(10);
    }
  }

  /** Inserts `first` while the insert of `second` waits between its snapshot and its first read of a row. */
  async function insertBetween(first: IdempotencyRecord, second: IdempotencyRecord) {
    return client.begin(async (transaction) => {
      await transaction.unsafe(`select pg_advisory_xact_lock(${GATE})`);
      const inserting = storage.idempotencyKeys.insert(second, "within_quota");
      await statementWaits(transaction);
      await transaction.unsafe(
        `insert into idempotency_keys (key_digest, user_id, fingerprint, answer, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)`,
        [first.keyDigest, first.userId, first.fingerprint, first.result, first.createdAt, first.expiresAt],
      );
      return { inserting };
    });
  }

  it("is kept, and the later record of the same key is rejected", async () => {
    const user = aUser();
    (await storage.users.insert(user))._unsafeUnwrap();
    const [first, second] = [aRecord(user.id, "one key"), aRecord(user.id, "one key")];
    const { inserting } = await insertBetween(first, second);
    expect(await inserting).toEqual(err({ kind: "idempotency_key_in_use" }));
    expect(await storage.idempotencyKeys.find(first.keyDigest)).toEqual(ok(first));
  });

  it("is replaced by the later record when it has expired", async () => {
    const user = aUser();
    (await storage.users.insert(user))._unsafeUnwrap();
    const first = aRecord(user.id, "another key", { expiresAt: DAY_LATER });
    const second = aRecord(user.id, "another key", { createdAt: DAY_LATER, expiresAt: new Date(+DAY_LATER + DAY_MS) });
    const { inserting } = await insertBetween(first, second);
    expect(await inserting).toEqual(ok());
    expect(await storage.idempotencyKeys.find(first.keyDigest)).toEqual(ok(second));
  });
});
