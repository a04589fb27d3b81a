import { and, eq, getTableColumns, gt, lte, notExists, sql, type SQL } from "drizzle-orm";
import { ok } from "neverthrow";
import type {
  IdempotencyKeyRepository,
  IdempotencyRecord,
  KeyDigest,
} from "../../application/ports/idempotency-keys.ts";
import { fail } from "../../domain/fail.ts";
import type { Post } from "../../domain/post.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { AUTHOR_NOT_FOUND } from "./drizzle-posts.ts";
import { givenRows, namesOf, once, preparedFor, valuesOf } from "./prepared.ts";
import { idempotencyKeys, posts } from "./schema.ts";
import { lookUpTogether, writeTogether } from "./waiting-together.ts";

const IN_USE = { kind: "idempotency_key_in_use" } as const;
const USER_NOT_FOUND = { idempotency_keys_user_fkey: { kind: "user_not_found" } } as const;

const { id, keyDigest, expiresAt } = idempotencyKeys;
const RECORD = getTableColumns(idempotencyKeys);
const POST = getTableColumns(posts);

/** In characters: several that are larger would be a statement larger than the embedded engine should have to bear. */
const LARGE_ANSWER = 1_048_576;

interface RecordWithPost {
  readonly record: IdempotencyRecord;
  readonly post: Post;
}

export function drizzleIdempotencyKeys(db: Database): IdempotencyKeyRepository {
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
  const insertion = (rows: number) =>
    db
      .insert(idempotencyKeys)
      .select(
        sql`select * from ${givenRows("given", RECORD, rows)} where ${isFree(sql`given.key_digest`, sql`given.created_at`)}`,
      )
      .onConflictDoUpdate({
        target: keyDigest,
        set: Object.fromEntries(
          Object.entries(RECORD).map(([key, { name }]) => [key, sql`excluded.${sql.identifier(name)}`]),
        ),
        setWhere: lte(expiresAt, sql`excluded.created_at`),
      })
      .returning({ keyDigest });
  const insertRecord = once(() => insertion(1).prepare("idempotency_keys_insert"));
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
          const records = pairs.map(({ record }) => record);
          const written = pairs.map(({ record, post }) => ({ ...post, keyDigest: record.keyDigest }));
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
  const insertPair = writeTogether(insertPairs);

  const selectByDigests = once(() =>
    db
      .select()
      .from(idempotencyKeys)
      .where(sql`${keyDigest} = any(${sql.placeholder("digests")})`)
      .prepare("idempotency_keys_by_digests"),
  );
  const findRecord = lookUpTogether(
    (record: typeof idempotencyKeys.$inferSelect) => record.keyDigest,
    async (digests: readonly KeyDigest[]) =>
      attempt(db, "idempotencyKeys.find", async () => selectByDigests().execute({ digests })),
  );

  return {
    claim: async (digest, now) =>
      (
        await attempt(db, "idempotencyKeys.claim", async () =>
          db.select({ isFree: sql<boolean>`${isFree(digest, now)}` }).from(sql`(values (1)) as one`),
        )
      ).andThen(([claimed]) => (claimed?.isFree === true ? ok() : fail(IN_USE))),

    insert: async (record) =>
      (
        await attempt(
          db,
          "idempotencyKeys.insert",
          async () => insertRecord().execute(valuesOf([record], "given")),
          USER_NOT_FOUND,
        )
      ).andThen((rows) => (rows.length === 0 ? fail(IN_USE) : ok())),

    insertWithPost: async (record, post) =>
      (record.answer.length > LARGE_ANSWER
        ? (await insertPairs([{ record, post }])).map(([isKept]) => isKept)
        : await insertPair({ record, post })
      ).andThen((isKept) => (isKept === true ? ok() : fail(IN_USE))),

    find: async (digest) => (await findRecord(digest)).map((record) => record ?? null),

    deleteExpired: async (now, most) =>
      (
        await attempt(db, "idempotencyKeys.deleteExpired", async () => {
          // What another process removes, or replaces, is left to it.
          const expired = db
            .select({ id })
            .from(idempotencyKeys)
            .where(lte(expiresAt, now))
            .orderBy(expiresAt)
            .limit(most)
            .for("update", { skipLocked: true });
          // As an array: PostgreSQL would join a list that it does not know the length of by reading the whole table.
          return db
            .delete(idempotencyKeys)
            .where(sql`${id} = any(array${expired})`)
            .returning({ id });
        })
      ).map((rows) => rows.length),
  };
}
