import type { Database } from "better-sqlite3";
import { ok } from "neverthrow";
import {
  emailKey,
  fail,
  type PostsFate,
  type User,
  type UserId,
  type UserRemoval,
  type UserRepository,
} from "quire-api";
import type { Access } from "./access.ts";
import { pageById } from "./pages.ts";

interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly password_hash: string;
  readonly role: string;
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

interface RemovalRow {
  readonly user_id: string;
  readonly version: number;
  readonly fate: PostsFate["kind"];
  readonly new_author_id: string | null;
  readonly requested_at: number;
}

const PUBLISHED_AUTHOR = "exists (select 1 from posts where author_id = users.id and published_at is not null)";

export function sqliteUsers(db: Database, access: Access): UserRepository {
  return { ...userReads(db, access), ...userWrites(db, access), ...userRemovals(db, access) };
}

function userReads(
  db: Database,
  access: Access,
): Pick<UserRepository, "findById" | "findByEmail" | "hasAdmin" | "list"> {
  return {
    findById: async (id, signal) =>
      access(
        "users.findById",
        () => {
          const row = findUser(db, id);
          return row === undefined ? fail({ kind: "user_not_found" }) : ok(restoreUser(row));
        },
        signal,
      ),
    findByEmail: async (email) =>
      access("users.findByEmail", () => {
        const row = db.prepare<[string], UserRow>("select * from users where email_key = ?").get(emailKey(email));
        return row === undefined ? fail({ kind: "user_not_found" }) : ok(restoreUser(row));
      }),
    hasAdmin: async (except) => access("users.hasAdmin", () => ok(hasAdmin(db, except))),
    list: async (filter, page, signal) =>
      access(
        "users.list",
        () => {
          const where = filter === "everybody" ? "true" : PUBLISHED_AUTHOR;
          return ok(pageById(db, { table: "users", where, values: {} }, page, restoreUser));
        },
        signal,
      ),
  };
}

function userWrites(
  db: Database,
  access: Access,
): Pick<UserRepository, "insert" | "update" | "upgradePasswordHash" | "delete"> {
  return {
    insert: async (user) =>
      access("users.insert", () => {
        if (isEmailTaken(db, user)) return fail({ kind: "email_taken" });
        db.prepare(
          `insert into users (id, name, email, email_key, password_hash, role, version, created_at, updated_at)
           values (@id, @name, @email, @emailKey, @passwordHash, @role, @version, @createdAt, @updatedAt)`,
        ).run(valuesOf(user));
        return ok();
      }),
    update: async (user, expected) =>
      access("users.update", () => {
        const stored = findUser(db, user.id);
        if (stored === undefined) return fail({ kind: "user_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        if (stored.role === "admin" && user.role !== "admin" && !hasAdmin(db, user.id))
          return fail({ kind: "last_admin" });
        if (isEmailTaken(db, user)) return fail({ kind: "email_taken" });
        db.prepare(
          `update users set name = @name, email = @email, email_key = @emailKey, password_hash = @passwordHash, role = @role,
           version = @version, created_at = @createdAt, updated_at = @updatedAt where id = @id`,
        ).run(valuesOf(user));
        return ok();
      }),
    upgradePasswordHash: async (id, current, upgraded) =>
      access("users.upgradePasswordHash", () => {
        db.prepare("update users set password_hash = ? where id = ? and password_hash = ?").run(upgraded, id, current);
        return ok();
      }),
    delete: async (id, expected) =>
      access("users.delete", () => {
        const stored = findUser(db, id);
        const version = stored?.version ?? findRemovalRow(db, id)?.version;
        if (version === undefined) return fail({ kind: "user_not_found" });
        if (version !== expected) return fail({ kind: "version_conflict" });
        if (stored?.role === "admin" && !hasAdmin(db, id)) return fail({ kind: "last_admin" });
        if (hasPosts(db, id)) return fail({ kind: "user_has_posts" });
        db.prepare("delete from users where id = ?").run(id);
        db.prepare("delete from removals where user_id = ?").run(id);
        db.prepare("delete from sessions where user_id = ?").run(id);
        db.prepare("delete from replay_records where user_id = ?").run(id);
        return ok();
      }),
  };
}

function userRemovals(
  db: Database,
  access: Access,
): Pick<UserRepository, "requestRemoval" | "findRemoval" | "listRemovals"> {
  return {
    requestRemoval: async ({ userId, version, posts, requestedAt }) =>
      access("users.requestRemoval", () => {
        const stored = findUser(db, userId);
        if (stored === undefined) return fail({ kind: "user_not_found" });
        const getsPosts = db.prepare("select 1 from removals where new_author_id = ?").get(userId) !== undefined;
        if (posts.kind === "keep" && (getsPosts || hasPosts(db, userId))) return fail({ kind: "user_has_posts" });
        const newAuthorId = posts.kind === "reassign" ? posts.to : null;
        if (newAuthorId !== null && findUser(db, newAuthorId) === undefined) return fail({ kind: "author_not_found" });
        if (stored.version !== version) return fail({ kind: "version_conflict" });
        if (stored.role === "admin" && !hasAdmin(db, userId)) return fail({ kind: "last_admin" });
        db.prepare("update removals set fate = ?, new_author_id = ? where new_author_id = ?").run(
          posts.kind,
          newAuthorId,
          userId,
        );
        db.prepare("delete from users where id = ?").run(userId);
        db.prepare(
          `insert into removals (user_id, version, fate, new_author_id, requested_at, ordinal)
           values (?, ?, ?, ?, ?, (select coalesce(max(ordinal), 0) + 1 from removals))`,
        ).run(userId, version, posts.kind, newAuthorId, requestedAt.getTime());
        return ok();
      }),
    findRemoval: async (id) =>
      access("users.findRemoval", () => {
        const row = findRemovalRow(db, id);
        return ok(row === undefined ? null : restoreRemoval(row));
      }),
    listRemovals: async (maxRows) =>
      access("users.listRemovals", () => {
        const rows = db.prepare<[number], RemovalRow>("select * from removals order by ordinal limit ?").all(maxRows);
        return ok(rows.map(restoreRemoval));
      }),
  };
}

export function findUser(db: Database, id: string): UserRow | undefined {
  return db.prepare<[string], UserRow>("select * from users where id = ?").get(id);
}

export function hasUser(db: Database, id: string): boolean {
  return findUser(db, id) !== undefined;
}

export function isLeaving(db: Database, id: string): boolean {
  return findRemovalRow(db, id) !== undefined;
}

function findRemovalRow(db: Database, id: string): RemovalRow | undefined {
  return db.prepare<[string], RemovalRow>("select * from removals where user_id = ?").get(id);
}

function hasPosts(db: Database, id: string): boolean {
  return db.prepare("select 1 from posts where author_id = ?").get(id) !== undefined;
}

function hasAdmin(db: Database, except = ""): boolean {
  return db.prepare("select 1 from users where role = 'admin' and id <> ?").get(except) !== undefined;
}

function isEmailTaken(db: Database, user: User): boolean {
  return (
    db.prepare("select 1 from users where email_key = ? and id <> ?").get(emailKey(user.email), user.id) !== undefined
  );
}

function valuesOf(user: User) {
  const { createdAt, updatedAt, ...fields } = user;
  return { ...fields, emailKey: emailKey(user.email), createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() };
}

function restoreUser(row: UserRow): User {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    passwordHash: row.password_hash,
    role: row.role,
    version: row.version,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
  } as User;
}

function restoreRemoval(row: RemovalRow): UserRemoval {
  const posts = row.fate === "reassign" ? { kind: row.fate, to: row.new_author_id as UserId } : { kind: row.fate };
  return { userId: row.user_id, version: row.version, posts, requestedAt: new Date(row.requested_at) } as UserRemoval;
}
