import { ok, type Result } from "neverthrow";
import {
  storedRecordBytes,
  type IdempotencyKeyInUse,
  type IdempotencyKeyRepository,
  type IdempotencyRecord,
  type KeyDigest,
} from "../../application/ports/idempotency-keys.ts";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import { storedPostBytes, type AccountQuotaExceeded } from "../../domain/shared/storage-quota.ts";
import type { UserNotFound } from "../../domain/user/user-repository.ts";
import { hasRoomFor, type MemoryOptions } from "./memory-quota.ts";
import { addRow, type MemoryAccess, type MemoryTables } from "./memory-tables.ts";

export function memoryIdempotencyKeys(access: MemoryAccess, options: MemoryOptions): IdempotencyKeyRepository {
  return {
    // Nothing else runs meanwhile that could have it.
    claim: async (digest, now) => access((tables) => claim(tables, digest, now)),

    insert: async (record, admission) =>
      access((tables) => insert(tables, record, admission === "always" ? null : { options, bytes: 0 })),

    insertWithPost: async (record, post) =>
      access((tables) => {
        if (!tables.users.has(post.authorId)) return fail({ kind: "author_not_found" });
        return insert(tables, record, { options, bytes: storedPostBytes(post) }).map(() => addRow(tables.posts, post));
      }),

    find: async (digest) => access(({ idempotencyKeys }) => ok(structuredClone(idempotencyKeys.get(digest) ?? null))),

    deleteExpired: async (now, limits) =>
      access((tables) => ok(deleteBatch(tables, ({ expiresAt }) => expiresAt <= now, limits))),

    deleteByUser: async (userId, limits) =>
      access((tables) => ok(deleteBatch(tables, (record) => record.userId === userId, limits))),
  };
}

function claim({ idempotencyKeys }: MemoryTables, digest: KeyDigest, now: Date): Result<void, IdempotencyKeyInUse> {
  const stored = idempotencyKeys.get(digest);
  return stored !== undefined && stored.expiresAt > now ? fail({ kind: "idempotency_key_in_use" }) : ok();
}

function deleteBatch(
  { idempotencyKeys }: MemoryTables,
  isMeant: (record: IdempotencyRecord) => boolean,
  { rows, bytes }: BatchLimits,
): number {
  let [deleted, size] = [0, 0];
  for (const record of [...idempotencyKeys.values()].filter(isMeant).slice(0, rows)) {
    if (size >= bytes) break;
    idempotencyKeys.delete(record.keyDigest);
    size += storedRecordBytes(record);
    deleted++;
  }
  return deleted;
}

/** Stores a record, within the quota of its account together with so many other bytes where that is asked for. */
function insert(
  tables: MemoryTables,
  record: IdempotencyRecord,
  quota: { readonly options: MemoryOptions; readonly bytes: number } | null,
): Result<void, IdempotencyKeyInUse | UserNotFound | AccountQuotaExceeded> {
  const { userId } = record;
  if (!tables.users.has(userId)) return fail({ kind: "user_not_found" });
  if (quota !== null && !hasRoomFor(storedRecordBytes(record) + quota.bytes, userId, tables, quota.options))
    return fail({ kind: "account_quota_exceeded" });
  return claim(tables, record.keyDigest, record.createdAt).map(
    () => void tables.idempotencyKeys.set(record.keyDigest, structuredClone(record)),
  );
}
