import { and, eq, isNotNull, sql } from "drizzle-orm";
import { ok, safeTry, type Result } from "neverthrow";
import type { EmailAddress, EmailKey } from "../../domain/user/email-address.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { PasswordHash } from "../../domain/user/password.ts";
import type { AuthorNotFound } from "../../domain/post/post-repository.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Role, UserName } from "../../domain/user/user.ts";
import type { PostsFate, UserRemoval } from "../../domain/user/user-removal.ts";
import type { UserHasPosts, UserNotFound, UserRepository } from "../../domain/user/user-repository.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { accountUsage, posts, users } from "./schema.ts";
import { IS_PRESENT, writeUser } from "./user-write.ts";

type UserRemovals = Pick<UserRepository, "requestRemoval" | "findRemoval" | "listRemovals">;

const OPERATION = "users.requestRemoval";

const REMOVAL = {
  id: users.id,
  version: users.version,
  requestedAt: users.removalRequestedAt,
  fate: users.removalFate,
  heirId: users.removalHeirId,
};

/** Personal data is erased immediately, before the posts are deleted. A removed user must not count as an admin. */
const ERASED = {
  name: "" as UserName,
  email: "" as EmailAddress,
  passwordHash: "" as PasswordHash,
  role: "author" as Role,
};

/** The part of the user repository for removals, which are stored in the rows of the users. */
export function drizzleUserRemovals(db: Database): UserRemovals {
  return {
    requestRemoval: async ({ userId, version, posts: fate, requestedAt }) =>
      safeTry(async function* () {
        yield* await closeAccount(db, userId);
        yield* await checkFate(db, userId, fate);
        yield* await attempt(db, OPERATION, async () =>
          db.update(users).set(fateColumns(fate)).where(eq(users.removalHeirId, userId)),
        );
        // No e-mail address can have this key, because it has no `@`.
        const emailKey = `removed ${userId}` as EmailKey;
        const removed = { ...ERASED, emailKey, removalRequestedAt: requestedAt, ...fateColumns(fate) };
        return writeUser<never>(db, {
          id: userId,
          expected: version,
          among: IS_PRESENT,
          isAdminAfter: false,
          operation: OPERATION,
          write: async (on, where) => on.update(users).set(removed).where(where).returning({ id: users.id }),
          constraints: {},
        });
      }),

    findRemoval: async (id) =>
      (
        await attempt(db, "users.findRemoval", async () =>
          db
            .select(REMOVAL)
            .from(users)
            .where(and(eq(users.id, id), isNotNull(users.removalRequestedAt))),
        )
      ).map((rows) => rows.map(toRemoval)[0] ?? null),

    listRemovals: async (maxRows) =>
      (
        await attempt(db, "users.listRemovals", async () =>
          db
            .select(REMOVAL)
            .from(users)
            .where(isNotNull(users.removalRequestedAt))
            .orderBy(users.removalRequestedAt)
            .limit(maxRows),
        )
      ).map((rows) => rows.map(toRemoval)),
  };
}

/**
 * Prevents every later write for a user. It runs first, because each such write locks the same row first: a write is either
 * committed before and visible from here on, or it fails.
 */
async function closeAccount(db: Database, id: UserId): Promise<Result<void, UserNotFound | StorageFailure>> {
  const closed = await attempt(db, OPERATION, async () =>
    db.delete(accountUsage).where(eq(accountUsage.userId, id)).returning({ id: accountUsage.userId }),
  );
  return closed.andThen((rows) => (rows.length > 0 ? ok() : fail({ kind: "user_not_found" })));
}

/** Checks that the posts of a user can have the fate. A lock keeps the new author until the unit of work ends. */
async function checkFate(
  db: Database,
  id: UserId,
  fate: PostsFate,
): Promise<Result<void, UserHasPosts | AuthorNotFound | StorageFailure>> {
  switch (fate.kind) {
    case "delete":
      return ok();
    case "keep":
      return (await hasPosts(db, id)).andThen((has) => (has ? fail({ kind: "user_has_posts" }) : ok()));
    case "reassign": {
      const heirs = await attempt(db, OPERATION, async () =>
        db
          .select({ id: accountUsage.userId })
          .from(accountUsage)
          .where(eq(accountUsage.userId, fate.to))
          .for("key share"),
      );
      return heirs.andThen((rows) => (rows.length > 0 ? ok() : fail({ kind: "author_not_found" })));
    }
  }
}

/** Whether a user has posts, or will have posts because another removal reassigns them to the user. */
async function hasPosts(db: Database, id: UserId): Promise<Result<boolean, StorageFailure>> {
  const own = db.select({ id: posts.id }).from(posts).where(eq(posts.authorId, id));
  const coming = db.select({ id: users.id }).from(users).where(eq(users.removalHeirId, id));
  const has = sql<boolean>`exists ${own} or exists ${coming}`;
  const found = await attempt(db, OPERATION, async () => db.select({ has }).from(sql`(values (1)) as one`));
  return found.map(([row]) => row?.has === true);
}

function fateColumns(fate: PostsFate) {
  return { removalFate: fate.kind, removalHeirId: fate.kind === "reassign" ? fate.to : null };
}

interface RemovalRow extends Pick<UserRemoval, "version"> {
  readonly id: UserId;
  readonly requestedAt: Date | null;
  readonly fate: PostsFate["kind"] | null;
  readonly heirId: UserId | null;
}

function toRemoval({ id, version, requestedAt, fate, heirId }: RemovalRow): UserRemoval {
  if (requestedAt === null || fate === null) throw new Error("The row of a removal lacks its time or its fate.");
  if (fate !== "reassign") return { userId: id, version, posts: { kind: fate }, requestedAt };
  if (heirId === null) throw new Error("A removal that reassigns posts lacks the new author.");
  return { userId: id, version, posts: { kind: fate, to: heirId }, requestedAt };
}
