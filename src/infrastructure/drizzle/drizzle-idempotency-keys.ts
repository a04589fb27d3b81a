import { lte, sql } from "drizzle-orm";
import { ok } from "neverthrow";
import type { IdempotencyKeyRepository, KeyDigest } from "../../application/ports/idempotency-keys.ts";
import { fail } from "../../domain/fail.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { once } from "./prepared.ts";
import { idempotencyKeys } from "./schema.ts";
import { lookUpTogether } from "./waiting-together.ts";

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
      ).andThen((rows) => (rows.length === 0 ? fail({ kind: "idempotency_key_in_use" }) : ok())),

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
