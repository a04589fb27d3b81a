import type { Database } from "better-sqlite3";
import { err, ok, type Result } from "neverthrow";
import { fail, type Repositories, type Storage, type StorageFailure } from "quire-api";
import { accessOn, failureOf, type Access } from "./access.ts";
import { sqlitePosts } from "./posts.ts";
import { sqliteReplayRecords } from "./replay-records.ts";
import { SCHEMA } from "./schema.ts";
import { sqliteSessions } from "./sessions.ts";
import { sqliteUsers } from "./users.ts";

export interface SqliteOptions {
  /** The maximum number of bytes that an account may store; 0 for no limit. */
  readonly accountQuotaBytes: number;
}

/** The value of `pragma synchronous` with which each commit is flushed to the disk. */
const FULL = 2;

/** A storage on an open database, whose tables it creates. */
export function sqliteStorage(db: Database, options: SqliteOptions = { accountQuotaBytes: 0 }): Storage {
  db.pragma("journal_mode = wal");
  db.exec(SCHEMA);
  let lastTurn: Promise<unknown> = Promise.resolve();

  /** Runs one task at a time: there is one connection, so calls outside a unit of work wait for its end. */
  const inTurn = async <T>(task: () => Promise<T>): Promise<T> => {
    const turn = lastTurn.then(task);
    lastTurn = turn.catch(() => undefined);
    return turn;
  };
  const now = accessOn(db);
  const waiting: Access = async (operation, step, signal) => inTurn(async () => now(operation, step, signal));

  const runUnit = async <T, E>(
    work: (repositories: Repositories) => Promise<Result<T, E>>,
  ): Promise<Result<T, E | StorageFailure>> => {
    const begun = control(db, "begin immediate");
    if (begun.isErr()) return err(begun.error);
    try {
      const worked = await work(repositoriesOn(db, now, options));
      if (worked.isErr()) return err(worked.error);
      return control(db, "commit").map(() => worked.value);
    } finally {
      // After an error, an exception or a failed commit the transaction is still open.
      if (db.open && db.inTransaction) db.exec("rollback");
    }
  };

  return {
    ...repositoriesOn(db, waiting, options),
    unitOfWork: { run: async (work) => inTurn(async () => runUnit(work)) },
    probe: {
      check: async () =>
        waiting("probe.check", () => {
          const isFlushed = db.pragma("synchronous", { simple: true }) === FULL;
          return ok({ durability: isFlushed ? "fsync" : "relaxed", writable: !db.readonly } as const);
        }),
    },
    close: async () =>
      inTurn(async () => {
        db.close();
        return ok();
      }),
  };
}

/** Begins or commits the transaction of a unit of work. */
function control(db: Database, statement: string): Result<void, StorageFailure> {
  try {
    db.exec(statement);
    return ok();
  } catch (thrown) {
    return fail(failureOf("unitOfWork.run", thrown, db.open));
  }
}

function repositoriesOn(db: Database, access: Access, options: SqliteOptions): Repositories {
  return {
    users: sqliteUsers(db, access),
    posts: sqlitePosts(db, access, options),
    sessions: sqliteSessions(db, access),
    idempotencyKeys: sqliteReplayRecords(db, access, options),
  };
}
