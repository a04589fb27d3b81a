import { and, eq, getTableColumns, gt, lte, notExists, sql, type SQL } from "drizzle-orm";
import type { KeyDigest } from "../../domain/shared/idempotency-record.ts";
import { BYTES, type AccountQuota, type RowCount } from "./account-quota.ts";
import type { Database } from "./database.ts";
import { idempotencyKeys } from "./schema.ts";

const { id, keyDigest, expiresAt } = idempotencyKeys;
const RECORD = getTableColumns(idempotencyKeys);

/** The columns of the `given` rows of {@link recordInsertion}. */
export const GIVEN_RECORD = { ...RECORD, ...BYTES };

/** `set answer = excluded.answer, …`: all columns of the new row. */
const EXCLUDED = Object.fromEntries(
  Object.entries(RECORD).map(([key, { name }]) => [key, sql`excluded.${sql.identifier(name)}`]),
);

/**
 * Claims a key for the transaction. True if the key is free:
 *
 *     pg_try_advisory_xact_lock(hashtextextended(digest, 0)) and not exists (
 *       select id from idempotency_keys where key_digest = digest and expires_at > now)
 *
 * PostgreSQL releases the lock at the end of the transaction or of the connection (PostgreSQL 18, 13.3.5). The lock has 64
 * bits of the digest: a collision of two keys is practically impossible, and would only refuse a request that the client can
 * repeat.
 */
export function isKeyFree(db: Database, digest: SQL | KeyDigest, now: SQL | Date) {
  return and(
    sql`pg_try_advisory_xact_lock(hashtextextended(${digest}, 0))`,
    notExists(
      db
        .select({ id })
        .from(idempotencyKeys)
        .where(and(eq(keyDigest, digest), gt(expiresAt, now))),
    ),
  );
}

/**
 * Inserts the `given` records whose keys are free and whose accounts have room. Returns the digests of the stored records:
 *
 *     insert into idempotency_keys select … from (values …) as given where (room for given.bytes) and (given key is free)
 *     on conflict (key_digest) do update set … where idempotency_keys.expires_at <= excluded.created_at
 *     returning key_digest
 *
 * The conflict clause replaces an expired record. It also refuses a record that was committed after the statement had taken
 * its snapshot, which `isKeyFree` does not see.
 */
export function recordInsertion(
  db: Database,
  admitted: AccountQuota["admitted"],
  { rows, isUnlimited }: { readonly rows: RowCount; readonly isUnlimited: boolean },
) {
  const condition = isKeyFree(db, sql`given.key_digest`, sql`given.created_at`);
  return db
    .insert(idempotencyKeys)
    .select(admitted(RECORD, { owner: "user_id", rows, condition, isUnlimited }))
    .onConflictDoUpdate({ target: keyDigest, set: EXCLUDED, setWhere: lte(expiresAt, sql`excluded.created_at`) })
    .returning({ keyDigest: sql<string>`${keyDigest}` });
}
