import { and, eq, is, isNull, ne, type SQL } from "drizzle-orm";
import { PgTransaction } from "drizzle-orm/pg-core";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { LastAdmin, UserNotFound } from "../../domain/user/user-repository.ts";
import type { Version, VersionConflict } from "../../domain/shared/version.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { users } from "./schema.ts";

/** In the statement itself: a plan for any role could not use the index of admins. */
export const IS_ADMIN = eq(users.role, "admin").inlineParams();

/** A user whose removal was requested is gone for everybody but those who work it off. */
export const IS_PRESENT = isNull(users.removalRequestedAt);

interface UserWrite<Refusal> {
  readonly id: UserId;
  readonly expected: Version;
  /** Which users there are for the write: all, where it is left out. */
  readonly among?: SQL;
  /** Whether an admin is one still when it is done. */
  readonly isAdminAfter: boolean;
  readonly operation: string;
  /** The write to the user whom a condition names; returns a row when there is one. */
  readonly write: (on: Database, where: SQL | undefined) => Promise<readonly unknown[]>;
  readonly constraints: Readonly<Record<string, Refusal>>;
}

type WriteError<Refusal> = UserNotFound | VersionConflict | LastAdmin | Refusal | StorageFailure;

/**
 * Makes a write to a user that is guarded by a version, and never takes the last admin away. A write that takes no admin
 * away, as nearly all do, is one statement.
 */
export async function writeBesideAdmins<Refusal>(
  db: Database,
  write: UserWrite<Refusal>,
): Promise<Result<void, WriteError<Refusal>>> {
  const { id, expected, among, isAdminAfter, operation, constraints } = write;
  const isThere = and(eq(users.id, id), among);
  const isAsExpected = and(isThere, eq(users.version, expected));
  const mayWrite = isAdminAfter ? isAsExpected : and(isAsExpected, ne(users.role, "admin"));
  const written = await attempt(db, operation, async () => write.write(db, mayWrite), constraints);
  if (written.isErr()) return err(written.error);
  if (written.value.length > 0) return ok();
  const found = await attempt(db, operation, async () =>
    db.select({ version: users.version }).from(users).where(isThere),
  );
  if (found.isErr()) return err(found.error);
  const [stored] = found.value;
  if (stored === undefined) return fail({ kind: "user_not_found" });
  if (stored.version !== expected || isAdminAfter) return fail({ kind: "version_conflict" });
  return takeAdminAway(db, write, isAsExpected);
}

/**
 * Takes an admin away while another remains. It locks an admin who is to remain until it is committed, so two that are
 * taken away at once wait for each other, and the second sees what the first has left (PostgreSQL 18, 13.2.1: a locked row
 * is looked at again after the wait). All lock the same two rows in the same order, so they do not block each other for
 * ever; posts of an admin are written meanwhile, as no key changes.
 */
async function takeAdminAway<Refusal>(
  db: Database,
  { id, operation, write, constraints }: UserWrite<Refusal>,
  isAsExpected: SQL | undefined,
): Promise<Result<void, WriteError<Refusal>>> {
  const inTransaction = async (on: Database) => {
    const admins = await on
      .select({ id: users.id })
      .from(users)
      .where(IS_ADMIN)
      .orderBy(users.id)
      .limit(2)
      .for("no key update");
    if (admins.every((admin) => admin.id === id)) return "last_admin";
    return (await write(on, isAsExpected)).length > 0 ? "written" : "version_conflict";
  };
  const isUnitOfWork = is(db, PgTransaction);
  const outcome = await attempt(
    db,
    operation,
    async () => (isUnitOfWork ? inTransaction(db) : db.transaction(inTransaction)),
    constraints,
  );
  return outcome.andThen((kind) => (kind === "written" ? ok() : fail({ kind })));
}
