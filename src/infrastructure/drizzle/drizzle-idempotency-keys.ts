import { and, eq, getTableColumns, gt, lte, notExists, sql, type SQL } from "drizzle-orm";
import { err, ok } from "neverthrow";
import {
  storedRecordBytes,
  type IdempotencyKeyRepository,
  type IdempotencyRecord,
  type KeyDigest,
} from "../../application/ports/idempotency-keys.ts";
import type { BatchLimits } from "../../domain/shared/batch.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { Post } from "../../domain/post/post.ts";
import { storedPostBytes } from "../../domain/shared/storage-quota.ts";
import { accountQuota, type StorageOptions } from "./account-quota.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { AUTHOR_NOT_FOUND } from "./drizzle-posts.ts";
import { givenRows, namesOf, once, preparedFor, valuesOf } from "./prepared.ts";
import { postRow } from "./post-row.ts";
import { idempotencyKeys, posts } from "./schema.ts";
import { batchLookups, batchInserts } from "./batching.ts";

const IN_USE = { kind: "idempotency_key_in_use" } as const;
const USER_NOT_FOUND = { idempotency_keys_user_fkey: { kind: "user_not_found" } } as const;

const { id, userId, keyDigest, expiresAt } = idempotencyKeys;
const RECORD = getTableColumns(idempotencyKeys);
const POST = getTableColumns(posts);

interface RecordWithPost {
  readonly record: IdempotencyRecord;
  readonly post: Post;
}

/** What a record and the post that was made with it count towards the quota of their account. */
function bytesOf({ record, post }: RecordWithPost): number {
  return storedRecordBytes(record) + storedPostBytes(post);
}

export function drizzleIdempotencyKeys(db: Database, options: StorageOptions): IdempotencyKeyRepository {
  const { admitted, refusal } = accountQuota(db, options);
  /**
   * Whether a key is free, and the transaction's from now on. PostgreSQL gives the lock back with the transaction or the
   * connection, so nothing is left to be cleaned up. It is on 64 bits of the digest: that another key has the same is as
   * good as impossible, and would be a needless refusal.
   */
  const isFree = (digest: SQL | KeyDigest, now: SQL | Date) =>
    and(
      sql`pg_try_advisory_xact_lock(hashtextextended(${digest}, 0))`,
      notExists(
        db
          .select({ id })
          .from(idempotencyKeys)
          .where(and(eq(keyDigest, digest), gt(expiresAt, now))),
      ),
    );

  // A record that was stored since the statement began is not seen by it, and conflicts all the same.
  const insertion = (rows: number, isAlways = false) =>
    db
      .insert(idempotencyKeys)
      .select(
        admitted(RECORD, rows, {
          owner: "user_id",
          condition: isFree(sql`given.key_digest`, sql`given.created_at`),
          isAlways,
        }),
      )
      .onConflictDoUpdate({
        target: keyDigest,
        set: Object.fromEntries(
          Object.entries(RECORD).map(([key, { name }]) => [key, sql`excluded.${sql.identifier(name)}`]),
        ),
        setWhere: lte(expiresAt, sql`excluded.created_at`),
      })
      .returning({ keyDigest });
  const insertRecord = {
    within_quota: once(() => insertion(1).prepare("idempotency_keys_insert")),
    always: once(() => insertion(1, true).prepare("idempotency_keys_insert_always")),
  };
  const insertWithPosts = preparedFor((rows) => {
    const kept = db.$with("kept").as(insertion(rows));
    const written = givenRows("written", { ...POST, keyDigest }, rows);
    return db
      .with(kept)
      .insert(posts)
      .select(sql`select ${namesOf(POST)} from ${written} where key_digest in (select key_digest from ${kept})`)
      .returning({ id: posts.id })
      .prepare(`idempotency_keys_insert_with_posts_${rows}`);
  });
  const insertPairs = async (pairs: readonly RecordWithPost[]) =>
    (
      await attempt(
        db,
        "idempotencyKeys.insertWithPost",
        async () => {
          const records = pairs.map((pair) => ({ ...pair.record, bytes: bytesOf(pair) }));
          const written = pairs.map(({ record, post }) => ({ ...postRow(post), keyDigest: record.keyDigest }));
          return insertWithPosts(pairs.length).execute({
            ...valuesOf(records, "given"),
            ...valuesOf(written, "written"),
          });
        },
        { ...USER_NOT_FOUND, ...AUTHOR_NOT_FOUND },
      )
    ).map((rows) => {
      const kept = new Set(rows.map((row) => row.id));
      return pairs.map(({ post }) => kept.has(post.id));
    });
  const insertPair = batchInserts(insertPairs, bytesOf);

  const selectByDigests = once(() =>
    db
      .select()
      .from(idempotencyKeys)
      .where(sql`${keyDigest} = any(${sql.placeholder("digests")})`)
      .prepare("idempotency_keys_by_digests"),
  );
  const findRecord = batchLookups(
    (record: typeof idempotencyKeys.$inferSelect) => record.keyDigest,
    async (digests: readonly KeyDigest[]) =>
      attempt(db, "idempotencyKeys.find", async () => selectByDigests().execute({ digests })),
  );

  /** Removes what a selection gives, as far as the bytes of a batch reach. */
  const deleteBatch = async (operation: string, selection: SQL, { bytes }: BatchLimits) =>
    (
      await attempt(db, operation, async () =>
        // As an array: PostgreSQL would join a list that it does not know the length of by reading the whole table.
        db
          .delete(idempotencyKeys)
          .where(
            sql`${id} = any(array(
              select id from (
                select id, sum(bytes) over (rows between unbounded preceding and 1 preceding) as bytes_before from (
                  select id, public.replay_record_bytes(answer) as bytes from ${idempotencyKeys} ${selection}
                ) as next
              ) as batch where coalesce(bytes_before, 0) < ${bytes}))`,
          )
          .returning({ id }),
      )
    ).map((rows) => rows.length);

  /** Why a record was not kept. */
  const refused = async (operation: string, record: IdempotencyRecord, bytes: number) =>
    refusal(operation, { userId: record.userId, bytes, notThere: { kind: "user_not_found" } as const, other: IN_USE });

  return {
    claim: async (digest, now) =>
      (
        await attempt(db, "idempotencyKeys.claim", async () =>
          db.select({ isFree: sql<boolean>`${isFree(digest, now)}` }).from(sql`(values (1)) as one`),
        )
      ).andThen(([claimed]) => (claimed?.isFree === true ? ok() : fail(IN_USE))),

    insert: async (record, admission) => {
      const bytes = storedRecordBytes(record);
      const kept = await attempt(
        db,
        "idempotencyKeys.insert",
        async () => insertRecord[admission]().execute(valuesOf([{ ...record, bytes }], "given")),
        USER_NOT_FOUND,
      );
      if (kept.isErr()) return err(kept.error);
      return kept.value.length > 0
        ? ok()
        : refused("idempotencyKeys.insert", record, admission === "always" ? 0 : bytes);
    },

    insertWithPost: async (record, post) => {
      const kept = await insertPair({ record, post });
      if (kept.isErr()) return err(kept.error);
      return kept.value ? ok() : refused("idempotencyKeys.insertWithPost", record, bytesOf({ record, post }));
    },

    find: async (digest) => (await findRecord(digest)).map((record) => record ?? null),

    deleteExpired: async (now, limits) => {
      // What another process removes, or replaces, is left to it.
      const expired = sql`where ${lte(expiresAt, now)} order by ${expiresAt} limit ${limits.rows} for update skip locked`;
      return deleteBatch("idempotencyKeys.deleteExpired", expired, limits);
    },

    deleteByUser: async (owner, limits) =>
      deleteBatch("idempotencyKeys.deleteByUser", sql`where ${eq(userId, owner)} limit ${limits.rows}`, limits),
  };
}
