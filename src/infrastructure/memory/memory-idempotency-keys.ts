import { ok } from "neverthrow";
import type { IdempotencyKeyRepository } from "../../application/ports/idempotency-keys.ts";
import { fail } from "../../domain/fail.ts";
import type { MemoryAccess } from "./memory-tables.ts";

export function memoryIdempotencyKeys(access: MemoryAccess): IdempotencyKeyRepository {
  return {
    // No unit of work runs beside another.
    claim: async (digest, now) =>
      access(({ idempotencyKeys }) => {
        const stored = idempotencyKeys.get(digest);
        return stored !== undefined && stored.expiresAt > now ? fail({ kind: "idempotency_key_in_use" }) : ok();
      }),

    insert: async (record) =>
      access(({ users, idempotencyKeys }) => {
        const stored = idempotencyKeys.get(record.keyDigest);
        if (stored !== undefined && stored.expiresAt > record.createdAt)
          return fail({ kind: "idempotency_key_in_use" });
        if (!users.has(record.userId)) return fail({ kind: "user_not_found" });
        idempotencyKeys.set(record.keyDigest, structuredClone(record));
        return ok();
      }),

    find: async (digest) => access(({ idempotencyKeys }) => ok(structuredClone(idempotencyKeys.get(digest) ?? null))),

    deleteExpired: async (now, most) =>
      access(({ idempotencyKeys }) => {
        const expired = [...idempotencyKeys.values()].filter(({ expiresAt }) => expiresAt <= now).slice(0, most);
        for (const { keyDigest } of expired) idempotencyKeys.delete(keyDigest);
        return ok(expired.length);
      }),
  };
}
