import { err, ok, type Result } from "neverthrow";
import type { IdempotencyKeyRepository } from "../../application/ports/idempotency-keys.ts";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import {
  storedRecordBytes,
  type IdempotencyKeyInUse,
  type IdempotencyRecord,
  type KeyDigest,
} from "../../domain/shared/idempotency-record.ts";
import { hasRoomFor, type MemoryOptions } from "./memory-quota.ts";
import type { MemoryAccess, MemoryTables } from "./memory-tables.ts";

export function memoryIdempotencyKeys(access: MemoryAccess, options: MemoryOptions): IdempotencyKeyRepository {
  return {
    // Units of work run one after the other, so no other unit can hold the key.
    claim: async (digest, now) => access((tables) => claimKey(tables, digest, now)),

    insert: async (record, admission) =>
      access((tables) => {
        const { userId } = record;
        if (!tables.users.has(userId)) return fail({ kind: "user_not_found" });
        if (admission === "within_quota" && !hasRoomFor(storedRecordBytes(record), userId, tables, options))
          return fail({ kind: "account_quota_exceeded" });
        const claimed = claimKey(tables, record.keyDigest, record.createdAt);
        if (claimed.isErr()) return err(claimed.error);
        putRecord(tables, record);
        return ok();
      }),

    find: async (digest) => access(({ idempotencyKeys }) => ok(structuredClone(idempotencyKeys.get(digest) ?? null))),

    deleteExpired: async (now, limits) =>
      access((tables) => ok(deleteBatch(tables, ({ expiresAt }) => expiresAt <= now, limits))),

    deleteByUser: async (userId, limits) =>
      access((tables) => ok(deleteBatch(tables, (record) => record.userId === userId, limits))),
  };
}

export function claimKey(
  { idempotencyKeys }: MemoryTables,
  digest: KeyDigest,
  now: Date,
): Result<void, IdempotencyKeyInUse> {
  const stored = idempotencyKeys.get(digest);
  return stored !== undefined && stored.expiresAt > now ? fail({ kind: "idempotency_key_in_use" }) : ok();
}

/** Stores a record whose key is claimed. */
export function putRecord({ idempotencyKeys }: MemoryTables, record: IdempotencyRecord): void {
  idempotencyKeys.set(record.keyDigest, structuredClone(record));
}

function deleteBatch(
  { idempotencyKeys }: MemoryTables,
  isSelected: (record: IdempotencyRecord) => boolean,
  { rows, bytes }: BatchLimits,
): number {
  let [deleted, size] = [0, 0];
  for (const record of [...idempotencyKeys.values()].filter(isSelected).slice(0, rows)) {
    if (size >= bytes) break;
    idempotencyKeys.delete(record.keyDigest);
    size += storedRecordBytes(record);
    deleted++;
  }
  return deleted;
}
