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

/** The role is a literal, because a generic plan for any role could not use the partial index of admins. */
export const IS_ADMIN = eq(users.role, "admin").inlineParams();

/** Excludes users whose removal was requested: only the removal itself sees them. */
export const IS_PRESENT = isNull(users.removalRequestedAt);

interface UserWrite<Refusal> {
  readonly id: UserId;
  readonly expected: Version;
  /** Limits the users that the write can find; all users by default. */
  readonly among?: SQL;
  /** Whether the user is an admin after the write. */
  readonly isAdminAfter: boolean;
  readonly operation: string;
  /** Writes to the user that fulfils the condition. Returns a row if there is one. */
  readonly write: (on: Database, where: SQL | undefined) => Promise<readonly unknown[]>;
  readonly constraints: Readonly<Record<string, Refusal>>;
}

type WriteError<Refusal> = UserNotFound | VersionConflict | LastAdmin | Refusal | StorageFailure;

/**
 * Writes to a user with optimistic concurrency control, and never removes the last admin. A write that removes no admin, as
 * nearly all, is one statement.
 */
export async function writeUser<Refusal>(
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
  return removeAdmin(db, write, isAsExpected);
}

/**
 * Demotes or removes an admin if another one remains. It locks two admins until the commit, so two concurrent calls run one
 * after the other, and the second sees the result of the first (PostgreSQL 18, 13.2.1: a locked row is read again after the
 * wait). All calls lock the same rows in the same order, so there is no deadlock. The lock allows writes of an admin's posts,
 * because no key changes.
 */
async function removeAdmin<Refusal>(
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
