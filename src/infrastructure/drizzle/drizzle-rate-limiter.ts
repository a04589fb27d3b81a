import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { lte, sql } from "drizzle-orm";
import { ok, ResultAsync, type Result } from "neverthrow";
import type { Clock } from "../../application/ports/clock.ts";
import type { Quota, RateLimiter, RatePolicy } from "../../application/ports/rate-limiter.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { rateLimits } from "./schema.ts";

/** The rows that a statement of the purge deletes. */
const MAX_PURGED_ROWS = 1000;

/**
 * A fixed-window rate limit, counted in the database, for processes that share their counts or live for one request. The window of
 * a key starts with its first request. A decision is one statement, and the lock of the row orders concurrent ones.
 */
export function drizzleRateLimiter(
  db: Database,
  clock: Clock,
  { name, quota, windowSeconds }: RatePolicy,
): RateLimiter {
  const windowMs = windowSeconds * 1000;
  const take = async (key: string, cost: number): Promise<Result<Quota, StorageFailure>> => {
    const now = clock.now();
    const latestEnd = new Date(now.getTime() + windowMs);
    // A window that ends later was created before the clock was set back.
    const isOver = sql`(${rateLimits.endsAt} <= ${now} or ${rateLimits.endsAt} > ${latestEnd})`;
    const fits = sql`(${rateLimits.taken} + excluded.taken <= ${quota})`;
    const counted = await attempt(db, "rateLimits.take", async () =>
      db
        .insert(rateLimits)
        .values({ key: digestOf(name, key), taken: cost, isExceeded: false, endsAt: latestEnd })
        .onConflictDoUpdate({
          target: rateLimits.key,
          set: {
            taken: sql`case when ${isOver} then excluded.taken when ${fits} then ${rateLimits.taken} + excluded.taken
                else ${rateLimits.taken} end`,
            isExceeded: sql`not (${isOver} or ${fits})`,
            endsAt: sql`case when ${isOver} then excluded.ends_at else ${rateLimits.endsAt} end`,
          },
        })
        .returning({ taken: rateLimits.taken, isExceeded: rateLimits.isExceeded, endsAt: rateLimits.endsAt }),
    );
    return counted.map(([row]) => {
      if (row === undefined) throw new Error("The count of a rate limit returned no row.");
      const resetSeconds = Math.ceil((row.endsAt.getTime() - now.getTime()) / 1000);
      return { isExceeded: row.isExceeded, remaining: quota - row.taken, resetSeconds };
    });
  };
  return { take: (key, cost = 1) => new ResultAsync(take(key, cost)) };
}

/** Deletes the windows that have ended. */
export async function purgeRateLimits(db: Database, now: Date): Promise<Result<void, StorageFailure>> {
  for (;;) {
    const purged = await attempt(db, "rateLimits.purge", async () => {
      // Skips windows that a request is renewing.
      const ended = db
        .select({ key: rateLimits.key })
        .from(rateLimits)
        .where(lte(rateLimits.endsAt, now))
        .limit(MAX_PURGED_ROWS)
        .for("update", { skipLocked: true });
      return db
        .delete(rateLimits)
        .where(sql`${rateLimits.key} = any(array${ended})`)
        .returning({ key: rateLimits.key });
    });
    if (purged.isErr()) return purged.map(() => undefined);
    if (purged.value.length < MAX_PURGED_ROWS) return ok();
  }
}

/** The row of a key. It bounds the length, and the table has neither addresses nor e-mail addresses. */
function digestOf(name: string, key: string): string {
  return bytesToHex(sha256(utf8ToBytes(`${name}\n${key}`)));
}
