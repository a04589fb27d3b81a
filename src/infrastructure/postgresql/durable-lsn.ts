import { not, sql, type SQL } from "drizzle-orm";
import type { Result } from "neverthrow";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { attempt } from "../drizzle/attempt.ts";
import type { Database } from "../drizzle/database.ts";
import { parseLsn, type Lsn } from "../sql/lsn.ts";

/** Asks a server for a position in its write-ahead log (PostgreSQL 18, 9.28.3); `null` when it has none of that sort. */
type AskPosition = () => Promise<Result<Lsn | null, StorageFailure>>;

const isStandby = sql`pg_is_in_recovery()`;

/**
 * The position of a primary that no acknowledged write is behind. What waits for its flush is not acknowledged yet, but
 * where commits do not wait, it may be.
 */
export function writtenPosition(db: Database): AskPosition {
  const doesNotWait = sql`current_setting('synchronous_commit') = 'off'`;
  const written = sql`case when ${doesNotWait} then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end`;
  return askPosition(db, { name: "written_position", position: written, where: not(isStandby) });
}

/** The position up to which a standby shows what was written. */
export function shownPosition(db: Database): AskPosition {
  return askPosition(db, { name: "shown_position", position: sql`pg_last_wal_replay_lsn()`, where: isStandby });
}

interface Position {
  readonly name: string;
  readonly position: SQL;
  readonly where: SQL;
}

function askPosition(db: Database, { name, position, where }: Position): AskPosition {
  const statement = db
    .select({ position: sql<string>`(${position})::text` })
    .from(sql`(values (1)) as one`)
    .where(where)
    .prepare(name);
  return async () =>
    (await attempt(db, name, async () => statement.execute())).map(([row]) => parseLsn(row?.position ?? ""));
}
