import { and, eq, gt, lte, notExists, sql, type SQL } from "drizzle-orm";
import { ok } from "neverthrow";
import type { IdempotencyKeyRepository, KeyDigest } from "../../application/ports/idempotency-keys.ts";
import { fail } from "../../domain/fail.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { once } from "./prepared.ts";
import { idempotencyKeys } from "./schema.ts";
import { lookUpTogether } from "./waiting-together.ts";

const IN_USE = { kind: "idempotency_key_in_use" } as const;
const USER_NOT_FOUND = { idempotency_keys_user_fkey: { kind: "user_not_found" } } as const;

export function drizzleIdempotencyKeys(db: Database): IdempotencyKeyRepository {
  const selectByDigests = once(() =>
    db
      .select()
      .from(idempotencyKeys)
      .where(sql`${idempotencyKeys.keyDigest} = any(${sql.placeholder("digests")})`)
      .prepare("idempotency_keys_by_digests"),
  );
  const findRecord = lookUpTogether(
    (record: typeof idempotencyKeys.$inferSelect) => record.keyDigest,
    async (digests: readonly KeyDigest[]) =>
      attempt(db, "idempotencyKeys.find", async () => selectByDigests().execute({ digests })),
  );

  return {
    claim: async (digest, now) =>
      (
        await attempt(db, "idempotencyKeys.claim", async () => {
          const { id, keyDigest, expiresAt } = idempotencyKeys;
          const stored = db.select({ id }).from(idempotencyKeys).where(and(eq(keyDigest, digest), gt(expiresAt, now)));
          // PostgreSQL gives the lock back with the transaction or the connection, so nothing is left to be cleaned up.
          const isLocked = sql`pg_try_advisory_xact_lock(${lockOf(digest)})`;
          return db.select({ isFree: sql<boolean>`${and(isLocked, notExists(stored))}` }).from(sql`(values (1)) as one`);
        })
      ).andThen(([claimed]) => (claimed?.isFree === true ? ok() : fail(IN_USE))),

    insert: async (record) =>
      (
        await attempt(
          db,
          "idempotencyKeys.insert",
          async () =>
            // Waits for a transaction that has stored the same key, and sees what became of it.
            db
              .insert(idempotencyKeys)
              .values(record)
              .onConflictDoUpdate({
                target: idempotencyKeys.keyDigest,
                set: record,
                setWhere: lte(idempotencyKeys.expiresAt, record.createdAt),
              })
              .returning({ id: idempotencyKeys.id }),
          USER_NOT_FOUND,
        )
      ).andThen((rows) => (rows.length === 0 ? fail(IN_USE) : ok())),

    find: async (digest) => (await findRecord(digest)).map((record) => record ?? null),

    deleteExpired: async (now, most) =>
      (
        await attempt(db, "idempotencyKeys.deleteExpired", async () => {
          const { id, expiresAt } = idempotencyKeys;
          const expired = db.select({ id }).from(idempotencyKeys).where(lte(expiresAt, now)).orderBy(expiresAt).limit(most);
          // As an array: PostgreSQL would join a list that it does not know the length of by reading the whole table.
          return db.delete(idempotencyKeys).where(sql`${id} = any(array${expired})`).returning({ id });
        })
      ).map((rows) => rows.length),
  };
}

/** 64 bits of a digest: that another key has the same is as good as impossible, and would be a needless refusal. */
function lockOf(digest: KeyDigest): SQL {
  return sql`hashtextextended(${digest}, 0)`;
}
