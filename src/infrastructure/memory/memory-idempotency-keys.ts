import { ok, type Result } from "neverthrow";
import type {
  IdempotencyKeyInUse,
  IdempotencyKeyRepository,
  IdempotencyRecord,
  KeyDigest,
} from "../../application/ports/idempotency-keys.ts";
import { fail } from "../../domain/fail.ts";
import type { UserNotFound } from "../../domain/user-repository.ts";
import { addRow, type MemoryAccess, type MemoryTables } from "./memory-tables.ts";

export function memoryIdempotencyKeys(access: MemoryAccess): IdempotencyKeyRepository {
  return {
    // Nothing else runs meanwhile that could have it.
    claim: async (digest, now) => access((tables) => claim(tables, digest, now)),

    insert: async (record) => access((tables) => insert(tables, record)),

    insertWithPost: async (record, post) =>
      access((tables) => {
        if (!tables.users.has(post.authorId)) return fail({ kind: "author_not_found" });
        return insert(tables, record).map(() => addRow(tables.posts, post));
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

function claim({ idempotencyKeys }: MemoryTables, digest: KeyDigest, now: Date): Result<void, IdempotencyKeyInUse> {
  const stored = idempotencyKeys.get(digest);
  return stored !== undefined && stored.expiresAt > now ? fail({ kind: "idempotency_key_in_use" }) : ok();
}

function insert(tables: MemoryTables, record: IdempotencyRecord): Result<void, IdempotencyKeyInUse | UserNotFound> {
  if (!tables.users.has(record.userId)) return fail({ kind: "user_not_found" });
  return claim(tables, record.keyDigest, record.createdAt).map(
    () => void tables.idempotencyKeys.set(record.keyDigest, structuredClone(record)),
  );
}
