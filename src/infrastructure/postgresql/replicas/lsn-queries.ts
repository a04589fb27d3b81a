import { not, sql, type SQL } from "drizzle-orm";
import type { Result } from "neverthrow";
import type { StorageFailure } from "../../../domain/shared/storage-failure.ts";
import { attempt } from "../../drizzle/attempt.ts";
import type { Database } from "../../drizzle/database.ts";
import { parseLsn, type Lsn } from "../../sql/lsn.ts";

/** Queries an LSN of a server (PostgreSQL 18, 9.28.3); `null` when the server has no such LSN. */
export type LsnQuery = () => Promise<Result<Lsn | null, StorageFailure>>;

const isStandby = sql`pg_is_in_recovery()`;

/**
 * An LSN at or past every acknowledged commit. It is the flush LSN, because a commit is acknowledged only after its flush. If
 * commits do not wait for a flush, it is the insert LSN.
 */
export function durableLsnOf(db: Database): LsnQuery {
  const doesNotWait = sql`current_setting('synchronous_commit') = 'off'`;
  const lsn = sql`case when ${doesNotWait} then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end`;
  return lsnQuery(db, { name: "durable_lsn", lsn, where: not(isStandby) });
}

/** The LSN up to which a standby has replayed the write-ahead log. */
export function replayedLsnOf(db: Database): LsnQuery {
  return lsnQuery(db, { name: "replayed_lsn", lsn: sql`pg_last_wal_replay_lsn()`, where: isStandby });
}

interface LsnStatement {
  readonly name: string;
  readonly lsn: SQL;
  readonly where: SQL;
}

function lsnQuery(db: Database, { name, lsn, where }: LsnStatement): LsnQuery {
  const statement = db
    .select({ lsn: sql<string>`(${lsn})::text` })
    .from(sql`(values (1)) as one`)
    .where(where)
    .prepare(name);
  return async () =>
    (await attempt(db, name, async () => statement.execute())).map(([row]) => parseLsn(row?.lsn ?? ""));
}
