import { and, asc, eq, gt, sql } from "drizzle-orm";
import { err, ok, type Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { titleSortKey } from "../../domain/post/title-key.ts";
import { attempt } from "./attempt.ts";
import { batchesById } from "./batches-by-id.ts";
import type { Database } from "./database.ts";
import { hasOutdatedTitleKey, posts } from "./schema.ts";

/** The maximum number of rows of a statement. A row has an entry in every index of posts, so 100 rows take about 20 ms. */
const ROWS_PER_STATEMENT = 100;

/** {@link renewTitleKeys} for one database. It stops after a batch when `isStopping` returns true. */
export type RenewTitleKeys = (isStopping: () => boolean) => Promise<Result<number, StorageFailure>>;

/**
 * Stores the title keys that posts of an older program lack, and returns the number of renewed posts. Each batch is its own
 * transaction, so an interrupted run resumes at the next start or within an hour. Several processes may run it at the same
 * time, and during other writes: a post that changes in the meantime has another version and is skipped, because that change
 * stored its key.
 */
export async function renewTitleKeys(db: Database, isStopping: () => boolean): Promise<Result<number, StorageFailure>> {
  let renewed = 0;
  const batches = batchesById(ROWS_PER_STATEMENT, async (after: Outdated["id"] | undefined) =>
    isStopping() ? [] : selectOutdated(db, after),
  );
  const done = await attempt(db, "posts.renewTitleKeys", async () => {
    for await (const outdated of batches) renewed += await storeKeys(db, outdated);
  });
  return done.isErr() ? err(done.error) : ok(renewed);
}

type Outdated = Pick<typeof posts.$inferSelect, "id" | "title" | "version">;

async function selectOutdated(db: Database, after: Outdated["id"] | undefined): Promise<Outdated[]> {
  return db
    .select({ id: posts.id, title: posts.title, version: posts.version })
    .from(posts)
    .where(and(hasOutdatedTitleKey(posts), after === undefined ? undefined : gt(posts.id, after)))
    .orderBy(asc(posts.id))
    .limit(ROWS_PER_STATEMENT);
}

async function storeKeys(db: Database, outdated: readonly Outdated[]): Promise<number> {
  const ids = sql`${sql.param(outdated.map(({ id }) => id))}::uuid[]`;
  const versions = outdated.map(({ version }) => String(version));
  const keys = outdated.map(({ title }) => titleSortKey(title));
  // Rows that another process is writing are skipped. Two processes that wait for each other would be a deadlock.
  const free = db
    .select({ id: posts.id })
    .from(posts)
    .where(and(sql`${posts.id} = any(${ids})`, hasOutdatedTitleKey(posts)))
    .for("update", { skipLocked: true });
  const rows = await db
    .update(posts)
    .set({ titleKey: sql`renewed.key`, titleKeyVersion: posts.version })
    .from(
      sql`unnest(${ids}, ${sql.param(versions)}::bigint[], ${sql.param(keys)}::text[]) as renewed (id, version, key)`,
    )
    .where(
      and(
        sql`${posts.id} = any(array(${free}))`,
        eq(posts.id, sql`renewed.id`),
        eq(posts.version, sql`renewed.version`),
      ),
    )
    .returning({ id: posts.id });
  return rows.length;
}
