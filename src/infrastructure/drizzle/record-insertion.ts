import { and, eq, getTableColumns, gt, lte, notExists, sql, type SQL } from "drizzle-orm";
import type { KeyDigest } from "../../domain/shared/idempotency-record.ts";
import { BYTES, type AccountQuota } from "./account-quota.ts";
import type { Database } from "./database.ts";
import type { RowCount } from "./prepared.ts";
import { idempotencyKeys } from "./schema.ts";

const { keyDigest, expiresAt } = idempotencyKeys;
const RECORD = getTableColumns(idempotencyKeys);

/** The columns of the `given` rows of {@link recordInsertion}. */
export const GIVEN_RECORD = { ...RECORD, ...BYTES };

/** `set answer = excluded.answer, …`: all columns of the new row. */
const EXCLUDED = Object.fromEntries(
  Object.entries(RECORD).map(([key, { name }]) => [key, sql`excluded.${sql.identifier(name)}`]),
);

/**
 * Locks a key for the transaction. False if another transaction has the lock.
 *
 * PostgreSQL releases the lock at the end of the transaction or of the connection (PostgreSQL 18, 13.3.5). The lock has 64
 * bits of the digest: a collision of two keys is practically impossible, and would only refuse a request that the client can
 * repeat.
 */
function lockKey(digest: SQL | KeyDigest): SQL {
  return sql`pg_try_advisory_xact_lock(hashtextextended(${digest}, 0))`;
}

/**
 * Locks a key for the transaction, and finds out whether it is free:
 *
 *     (lock the key) and not exists (select key_digest from idempotency_keys where key_digest = digest and expires_at > now)
 */
export function claimKey(db: Database, digest: KeyDigest, now: Date) {
  return and(
    lockKey(digest),
    notExists(
      db
        .select({ keyDigest })
        .from(idempotencyKeys)
        .where(and(eq(keyDigest, digest), gt(expiresAt, now))),
    ),
  );
}

/**
 * Inserts the `given` records whose keys are free and whose accounts have room. Returns the digests of the stored records:
 *
 *     insert into idempotency_keys select … from (values …) as given where (room for given.bytes) and (lock the key)
 *     on conflict (key_digest) do update set … where idempotency_keys.expires_at <= excluded.created_at
 *     returning key_digest
 *
 * The conflict clause replaces an expired record, and keeps any other. It sees a record that was committed after the statement
 * had taken its snapshot.
 */
export function recordInsertion(
  db: Database,
  admitted: AccountQuota["admitted"],
  { rows, isUnlimited }: { readonly rows: RowCount; readonly isUnlimited: boolean },
) {
  const condition = lockKey(sql`given.key_digest`);
  return db
    .insert(idempotencyKeys)
    .select(admitted(RECORD, { key: "key_digest", owner: "user_id", rows, condition, isUnlimited }))
    .onConflictDoUpdate({ target: keyDigest, set: EXCLUDED, setWhere: lte(expiresAt, sql`excluded.created_at`) })
    .returning({ keyDigest: sql<string>`${keyDigest}` });
}
