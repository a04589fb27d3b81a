import { getTableColumns, is, sql } from "drizzle-orm";
import { PgTransaction } from "drizzle-orm/pg-core";
import { err, ok, type Result } from "neverthrow";
import type { Post } from "../../domain/post/post.ts";
import type { AuthorNotFound, PostRepository, RecordedPost } from "../../domain/post/post-repository.ts";
import { storedRecordBytes } from "../../domain/shared/idempotency-record.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { storedPostBytes } from "../../domain/shared/storage-quota.ts";
import { BYTES, type AccountQuota } from "./account-quota.ts";
import { attempt } from "./attempt.ts";
import { batchInserts } from "./batching.ts";
import type { Database } from "./database.ts";
import { postRow } from "./post-row.ts";
import { givenRows, namesOf, once, rowCountOf, valuesOf, type RowCount } from "./prepared.ts";
import { GIVEN_RECORD, recordInsertion } from "./record-insertion.ts";
import { idempotencyKeys, posts } from "./schema.ts";

const OPERATION = "posts.insert";
const POST = getTableColumns(posts);
const { keyDigest } = idempotencyKeys;
const GIVEN_POST = { ...POST, ...BYTES };
/** A post with the digest of its record, which must be stored before it. */
const WRITTEN_POST = { ...POST, keyDigest };

/** The failure for a violation of the foreign key. */
export const AUTHOR_NOT_FOUND = { posts_author_fkey: { kind: "author_not_found" } } as const;
/** The record of a post belongs to its author, so that a missing user is the missing author. */
const OWNER_NOT_FOUND = { ...AUTHOR_NOT_FOUND, idempotency_keys_user_fkey: AUTHOR_NOT_FOUND.posts_author_fkey };

/** For each row, whether it was stored. A row is left out when its account has no room or its key is in use. */
type InsertRows<Row> = (rows: readonly Row[]) => Promise<Result<readonly boolean[], AuthorNotFound | StorageFailure>>;

/** `PostRepository.insert`. The inserts of one turn of the event loop share a statement, one for each kind of insert. */
export function postInsertion(db: Database, { admitted, refusal }: AccountQuota): PostRepository["insert"] {
  const insertPost = batched(db, insertPosts(db, admitted), storedPostBytes);
  const insertRows = insertRecordedPosts(db, admitted);
  const insertInBatch = batched(db, insertRows, bytesOf);
  const insertRecordedPost = async (row: RecordedPost) => {
    const stored = await insertInBatch(row);
    if (stored.isErr() || stored.value) return stored;
    // The bytes of a row whose key is in use count in its batch, so that a larger row of the account may have been left out.
    return (await insertRows([row])).map(([isStored]) => isStored === true);
  };

  return async (inserted) => {
    const isRecorded = "record" in inserted;
    const stored = isRecorded ? await insertRecordedPost(inserted) : await insertPost(inserted);
    if (stored.isErr()) return err(stored.error);
    if (stored.value) return ok();
    const [post, bytes] = isRecorded ? [inserted.post, bytesOf(inserted)] : [inserted, storedPostBytes(inserted)];
    // A post without a record that has room now had none then: another transaction has made room since.
    const other = { kind: isRecorded ? "idempotency_key_in_use" : "account_quota_exceeded" } as const;
    return refusal(OPERATION, {
      userId: post.authorId,
      bytes,
      notFound: AUTHOR_NOT_FOUND.posts_author_fkey,
      other,
    });
  };
}

/** The bytes that a post and its record add to the usage of their account. */
function bytesOf({ post, record }: RecordedPost): number {
  return storedPostBytes(post) + storedRecordBytes(record);
}

/** Inside a transaction nothing is batched, because one row that fails aborts the whole transaction. */
function batched<Row>(db: Database, insertRows: InsertRows<Row>, rowBytes: (row: Row) => number) {
  if (!is(db, PgTransaction)) return batchInserts(insertRows, rowBytes);
  return async (row: Row) => (await insertRows([row])).map(([isStored]) => isStored === true);
}

type Admitted = AccountQuota["admitted"];

/** `insert into posts select … from (values (…)) as given where (room for given.bytes) returning id` */
function insertPosts(db: Database, admitted: Admitted): InsertRows<Post> {
  const statementFor = perRowCount((rows) =>
    db
      .insert(posts)
      .select(admitted(POST, { key: "id", owner: "author_id", rows }))
      .returning({ id: posts.id })
      .prepare(`posts_insert_${rows}`),
  );
  return async (rows) => {
    const given = rows.map((post) => Object.assign(postRow(post), { bytes: storedPostBytes(post) }));
    const query = async () => statementFor(rows).execute(valuesOf(given, "given", GIVEN_POST));
    const stored = await attempt(db, OPERATION, query, AUTHOR_NOT_FOUND);
    return stored.map((ids) => areStored(rows, ids));
  };
}

/**
 *     with stored as (…) -- see recordInsertion
 *     insert into posts select … from (values (…)) as written where key_digest in (select key_digest from stored)
 *     returning id
 */
function insertRecordedPosts(db: Database, admitted: Admitted): InsertRows<RecordedPost> {
  const statementFor = perRowCount((rows) => {
    const stored = db.$with("stored").as(recordInsertion(db, admitted, { rows, isUnlimited: false }));
    const written = givenRows("written", WRITTEN_POST, rows);
    return db
      .with(stored)
      .insert(posts)
      .select(sql`select ${namesOf(POST)} from ${written} where key_digest in (select key_digest from ${stored})`)
      .returning({ id: posts.id })
      .prepare(`posts_insert_recorded_${rows}`);
  });
  return async (rows) => {
    const records = rows.map((row) => Object.assign({ bytes: bytesOf(row) }, row.record));
    const written = rows.map(({ post, record }) => Object.assign(postRow(post), { keyDigest: record.keyDigest }));
    const values = { ...valuesOf(records, "given", GIVEN_RECORD), ...valuesOf(written, "written", WRITTEN_POST) };
    const query = async () => statementFor(rows).execute(values);
    const stored = await attempt(db, OPERATION, query, OWNER_NOT_FOUND);
    const inserted = rows.map(({ post }) => post);
    return stored.map((ids) => areStored(inserted, ids));
  };
}

/** Prepares one statement for a single row, and one for any other number of rows. */
function perRowCount<T>(prepare: (rows: RowCount) => T): (rows: readonly unknown[]) => T {
  const prepared = { one: once(() => prepare("one")), many: once(() => prepare("many")) };
  return (rows) => prepared[rowCountOf(rows)]();
}

function areStored(inserted: readonly Post[], stored: readonly Pick<Post, "id">[]): readonly boolean[] {
  const ids = new Set(stored.map(({ id }) => id));
  return inserted.map(({ id }) => ids.has(id));
}
