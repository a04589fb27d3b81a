import { eq, lte, sql, type SQL } from "drizzle-orm";
import { err, ok } from "neverthrow";
import type { IdempotencyKeyRepository } from "../../application/ports/idempotency-keys.ts";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import { storedRecordBytes, type KeyDigest } from "../../domain/shared/idempotency-record.ts";
import { accountQuota, type StorageOptions } from "./account-quota.ts";
import { attempt } from "./attempt.ts";
import { batchLookups } from "./batching.ts";
import type { Database } from "./database.ts";
import { once, valuesOf } from "./prepared.ts";
import { claimKey, GIVEN_RECORD, recordInsertion } from "./record-insertion.ts";
import { idempotencyKeys } from "./schema.ts";

const IN_USE = { kind: "idempotency_key_in_use" } as const;
const USER_NOT_FOUND = { kind: "user_not_found" } as const;

const { userId, keyDigest, expiresAt } = idempotencyKeys;

export function drizzleIdempotencyKeys(db: Database, options: StorageOptions): IdempotencyKeyRepository {
  const { admitted, refusal } = accountQuota(db, options);
  const insertRecord = {
    within_quota: once(() =>
      recordInsertion(db, admitted, { rows: "one", isUnlimited: false }).prepare("idempotency_keys_insert"),
    ),
    always: once(() =>
      recordInsertion(db, admitted, { rows: "one", isUnlimited: true }).prepare("idempotency_keys_insert_always"),
    ),
  };

  const selectByDigests = once(() =>
    db
      .select()
      .from(idempotencyKeys)
      .where(sql`${keyDigest} = any(${sql.placeholder("digests")})`)
      .prepare("idempotency_keys_by_digests"),
  );
  const findRecord = batchLookups(
    "idempotencyKeys.find",
    (record: typeof idempotencyKeys.$inferSelect) => record.keyDigest,
    async (digests: readonly KeyDigest[]) =>
      attempt(db, "idempotencyKeys.find", async () => selectByDigests().execute({ digests })),
  );

  return {
    claim: async (digest, now) =>
      (
        await attempt(db, "idempotencyKeys.claim", async () =>
          db.select({ isFree: sql<boolean>`${claimKey(db, digest, now)}` }).from(sql`(values (1)) as one`),
        )
      ).andThen(([claimed]) => (claimed?.isFree === true ? ok() : fail(IN_USE))),

    insert: async (record, admission) => {
      const operation = "idempotencyKeys.insert";
      const bytes = storedRecordBytes(record);
      const stored = await attempt(
        db,
        operation,
        async () => insertRecord[admission]().execute(valuesOf([{ ...record, bytes }], "given", GIVEN_RECORD)),
        { idempotency_keys_user_fkey: USER_NOT_FOUND },
      );
      if (stored.isErr()) return err(stored.error);
      if (stored.value.length > 0) return ok();
      const needed = admission === "always" ? 0 : bytes;
      return refusal(operation, { userId: record.userId, bytes: needed, notFound: USER_NOT_FOUND, other: IN_USE });
    },

    find: async (digest) => (await findRecord(digest)).map((record) => record ?? null),

    deleteExpired: async (now, limits) => {
      // Skips records that another process is deleting or replacing.
      const expired = sql`where ${lte(expiresAt, now)} order by ${expiresAt} limit ${limits.rows} for update skip locked`;
      return deleteBatch(db, "idempotencyKeys.deleteExpired", expired, limits);
    },

    deleteByUser: async (owner, limits) =>
      deleteBatch(db, "idempotencyKeys.deleteByUser", sql`where ${eq(userId, owner)} limit ${limits.rows}`, limits),
  };
}

/** Deletes the selected records, up to the byte limit of a batch. */
async function deleteBatch(db: Database, operation: string, selection: SQL, { bytes }: BatchLimits) {
  return (
    await attempt(db, operation, async () =>
      // An array, because PostgreSQL would join a list of unknown length by reading the whole table.
      db
        .delete(idempotencyKeys)
        .where(
          sql`${keyDigest} = any(array(
            select key_digest from (
              select key_digest, sum(bytes) over (rows between unbounded preceding and 1 preceding) as bytes_before from (
                select key_digest, public.replay_record_bytes(answer) as bytes from ${idempotencyKeys} ${selection}
              ) as next
            ) as batch where coalesce(bytes_before, 0) < ${bytes}))`,
        )
        .returning({ keyDigest }),
    )
  ).map((rows) => rows.length);
}
