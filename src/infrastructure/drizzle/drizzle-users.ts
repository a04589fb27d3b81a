import { and, desc, eq, getTableColumns, inArray, ne, sql } from "drizzle-orm";
import { ok } from "neverthrow";
import { emailKey, type EmailAddress } from "../../domain/user/email-address.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { toPage } from "../../domain/shared/page.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";
import { attempt } from "./attempt.ts";
import { apartKey } from "./email-keys.ts";
import type { Database } from "./database.ts";
import { drizzleUserRemovals } from "./drizzle-user-removals.ts";
import { newestFirst } from "./newest-first.ts";
import { once } from "./prepared.ts";
import { publishedAuthors } from "./published-authors.ts";
import { users } from "./schema.ts";
import { IS_ADMIN, IS_PRESENT, writeUser } from "./user-write.ts";
import { batchLookups } from "./batching.ts";

const EMAIL_TAKEN = { users_email_key_unique: { kind: "email_taken" } } as const;
const USER_HAS_POSTS = { posts_author_fkey: { kind: "user_has_posts" } } as const;
const USER_NOT_FOUND = { kind: "user_not_found" } as const;

// Only the database compares keys, and only drizzle-user-removals.ts reads the columns of a removal.
const {
  emailKey: _key,
  removalRequestedAt: _requestedAt,
  removalFate: _fate,
  removalHeirId: _heir,
  ...userColumns
} = getTableColumns(users);

export function drizzleUsers(db: Database): UserRepository {
  return { ...userReads(db), ...userWrites(db), ...drizzleUserRemovals(db) };
}

/** Finds users by their ids, with batched lookups. */
function userLookup(db: Database) {
  const selectByIds = once(() =>
    db
      .select(userColumns)
      .from(users)
      .where(and(sql`${users.id} = any(${sql.placeholder("ids")})`, IS_PRESENT))
      .prepare("users_by_ids"),
  );
  return batchLookups(
    "users.findById",
    (user: User) => user.id,
    async (ids: readonly UserId[], signal) =>
      attempt(db, "users.findById", async () => selectByIds().execute({ ids }), {}, signal),
  );
}

function userReads(db: Database): Pick<UserRepository, "findById" | "findByEmail" | "hasAdmin" | "list"> {
  const findUser = userLookup(db);

  return {
    findById: async (id, signal) =>
      (await findUser(id, signal)).andThen((user) => (user === undefined ? fail(USER_NOT_FOUND) : ok(user))),

    findByEmail: async (email) =>
      (
        await attempt(db, "users.findByEmail", async () =>
          db
            .select(userColumns)
            .from(users)
            .where(inArray(users.emailKey, [emailKey(email), apartKey(email)]))
            .orderBy(desc(eq(users.emailKey, apartKey(email))))
            .limit(1),
        )
      ).andThen(([user]) => (user === undefined ? fail(USER_NOT_FOUND) : ok(user))),

    hasAdmin: async (except) =>
      (
        await attempt(db, "users.hasAdmin", async () =>
          db
            .select({ id: users.id })
            .from(users)
            .where(and(IS_ADMIN, except === undefined ? undefined : ne(users.id, except)))
            .limit(1),
        )
      ).map((rows) => rows.length > 0),

    list: async (filter, page, signal) => {
      const { limit, from } = page;
      const { after, order } = newestFirst(users.id, from);
      const rows = await attempt(
        db,
        "users.list",
        async () =>
          db
            .select(userColumns)
            .from(users)
            .where(
              and(filter === "everybody" ? after : sql`${users.id} = any(array${publishedAuthors(page)})`, IS_PRESENT),
            )
            .orderBy(order)
            .limit(limit + 1)
            .execute(),
        {},
        signal,
      );
      return rows.map((read) => toPage(read, limit, from));
    },
  };
}

function userWrites(db: Database): Pick<UserRepository, "insert" | "update" | "upgradePasswordHash" | "delete"> {
  return {
    insert: async (user) =>
      (await attempt(db, "users.insert", async () => db.insert(users).values(toRow(user)), EMAIL_TAKEN)).map(
        () => undefined,
      ),

    update: async (user, expected) =>
      writeUser(db, {
        id: user.id,
        expected,
        among: IS_PRESENT,
        isAdminAfter: user.role === "admin",
        operation: "users.update",
        write: async (on, where) =>
          on
            .update(users)
            .set({ ...user, emailKey: changedKey(user.email) })
            .where(where)
            .returning({ id: users.id }),
        constraints: EMAIL_TAKEN,
      }),

    upgradePasswordHash: async (id, current, upgraded) =>
      (
        await attempt(db, "users.upgradePasswordHash", async () =>
          db
            .update(users)
            .set({ passwordHash: upgraded })
            .where(and(eq(users.id, id), eq(users.passwordHash, current))),
        )
      ).map(() => undefined),

    delete: async (id, expected) =>
      writeUser(db, {
        id,
        expected,
        isAdminAfter: false,
        operation: "users.delete",
        write: async (on, where) => on.delete(users).where(where).returning({ id: users.id }),
        constraints: USER_HAS_POSTS,
      }),
  };
}

/** An unchanged address keeps its key, which may be an {@link apartKey}. */
function changedKey(email: EmailAddress) {
  return sql`case when ${users.email} = ${email} then ${users.emailKey} else ${emailKey(email)} end`;
}

function toRow(user: User): typeof users.$inferInsert {
  return { ...user, emailKey: emailKey(user.email) };
}
