import type { Database } from "better-sqlite3";
import { err, ok, type Result } from "neverthrow";
import {
  fail,
  storedRecordBytes,
  type BatchLimits,
  type IdempotencyKeyRepository,
  type IdempotencyRecord,
  type KeyDigest,
} from "quire-api";
import type { Access } from "./access.ts";
import { hasRoomFor } from "./quota.ts";
import type { SqliteOptions } from "./sqlite-storage.ts";
import { hasUser } from "./users.ts";

interface RecordRow {
  readonly key_digest: string;
  readonly user_id: string;
  readonly fingerprint: string;
  readonly result: string;
  readonly created_at: number;
  readonly expires_at: number;
}

export function sqliteReplayRecords(db: Database, access: Access, options: SqliteOptions): IdempotencyKeyRepository {
  return {
    // Units of work run one after the other, so no other unit can hold the key.
    claim: async (digest, now) => access("idempotencyKeys.claim", () => claimKey(db, digest, now)),
    insert: async (record, admission) =>
      access("idempotencyKeys.insert", () => {
        if (!hasUser(db, record.userId)) return fail({ kind: "user_not_found" });
        if (admission === "within_quota" && !hasRoomFor(db, storedRecordBytes(record), record.userId, options))
          return fail({ kind: "account_quota_exceeded" });
        const claimed = claimKey(db, record.keyDigest, record.createdAt);
        if (claimed.isErr()) return err(claimed.error);
        putRecord(db, record);
        return ok();
      }),
    find: async (digest) =>
      access("idempotencyKeys.find", () => {
        const row = findRow(db, digest);
        return ok(row === undefined ? null : restore(row));
      }),
    deleteExpired: async (now, limits) =>
      access("idempotencyKeys.deleteExpired", () => ok(deleteBatch(db, "expires_at <= ?", now.getTime(), limits))),
    deleteByUser: async (userId, limits) =>
      access("idempotencyKeys.deleteByUser", () => ok(deleteBatch(db, "user_id = ?", userId, limits))),
  };
}

export function claimKey(
  db: Database,
  digest: KeyDigest,
  now: Date,
): Result<void, { readonly kind: "idempotency_key_in_use" }> {
  const stored = findRow(db, digest);
  return stored !== undefined && stored.expires_at > now.getTime() ? fail({ kind: "idempotency_key_in_use" }) : ok();
}

/** Stores a record whose key is claimed. */
export function putRecord(db: Database, record: IdempotencyRecord): void {
  const { keyDigest, userId, fingerprint, result, createdAt, expiresAt } = record;
  db.prepare("insert or replace into replay_records values (?, ?, ?, ?, ?, ?)").run(
    keyDigest,
    userId,
    fingerprint,
    result,
    createdAt.getTime(),
    expiresAt.getTime(),
  );
}

function findRow(db: Database, digest: string): RecordRow | undefined {
  return db.prepare<[string], RecordRow>("select * from replay_records where key_digest = ?").get(digest);
}

function deleteBatch(db: Database, where: string, value: string | number, { rows, bytes }: BatchLimits): number {
  const found = db
    .prepare<unknown[], RecordRow>(`select * from replay_records where ${where} limit ?`)
    .all(value, rows)
    .map(restore);
  let [deleted, size] = [0, 0];
  for (const record of found) {
    if (size >= bytes) break;
    db.prepare("delete from replay_records where key_digest = ?").run(record.keyDigest);
    size += storedRecordBytes(record);
    deleted++;
  }
  return deleted;
}

function restore(row: RecordRow): IdempotencyRecord {
  return {
    keyDigest: row.key_digest,
    userId: row.user_id,
    fingerprint: row.fingerprint,
    result: row.result,
    createdAt: new Date(row.created_at),
    expiresAt: new Date(row.expires_at),
  } as IdempotencyRecord;
}
