import { ok } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { emailKey } from "../../domain/user/email-address.ts";
import type { UserId } from "../../domain/shared/id.ts";
import { toPage } from "../../domain/shared/page.ts";
import type { User } from "../../domain/user/user.ts";
import type { UserRemoval } from "../../domain/user/user-removal.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";
import { rowsFrom } from "./memory-page.ts";
import { addRow, isPublishedAuthor, unlessAborted, type MemoryAccess, type MemoryTables } from "./memory-tables.ts";

export function memoryUsers(access: MemoryAccess): UserRepository {
  return { ...userReads(access), ...userWrites(access), ...userRemovals(access) };
}

function userReads(access: MemoryAccess): Pick<UserRepository, "findById" | "findByEmail" | "hasAdmin" | "list"> {
  return {
    findById: async (id, signal) =>
      access(
        unlessAborted("users.findById", signal, ({ users }) => {
          const user = users.get(id);
          return user === undefined ? fail({ kind: "user_not_found" }) : ok(structuredClone(user));
        }),
      ),

    findByEmail: async (email) =>
      access(({ users }) => {
        const key = emailKey(email);
        const user = [...users.values()].find((candidate) => emailKey(candidate.email) === key);
        return user === undefined ? fail({ kind: "user_not_found" }) : ok(structuredClone(user));
      }),

    hasAdmin: async (except) => access(({ users }) => ok(hasAdmin(users, except))),

    list: async (filter, page, signal) =>
      access(
        unlessAborted("users.list", signal, ({ users, posts }) => {
          const shown = [...users.values()].filter(({ id }) => filter === "everybody" || isPublishedAuthor(posts, id));
          return ok(toPage(rowsFrom(shown, page), page.limit, page.from));
        }),
      ),
  };
}

function userWrites(
  access: MemoryAccess,
): Pick<UserRepository, "insert" | "update" | "upgradePasswordHash" | "delete"> {
  return {
    insert: async (user) =>
      access(({ users }) => {
        if (isEmailTaken(users, user)) return fail({ kind: "email_taken" });
        addRow(users, user);
        return ok();
      }),

    update: async (user, expected) =>
      access(({ users }) => {
        const stored = users.get(user.id);
        if (stored === undefined) return fail({ kind: "user_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        if (stored.role === "admin" && user.role !== "admin" && !hasAdmin(users, user.id)) {
          return fail({ kind: "last_admin" });
        }
        if (isEmailTaken(users, user)) return fail({ kind: "email_taken" });
        users.set(user.id, structuredClone(user));
        return ok();
      }),

    upgradePasswordHash: async (id, current, upgraded) =>
      access(({ users }) => {
        const stored = users.get(id);
        if (stored?.passwordHash === current) users.set(id, { ...stored, passwordHash: upgraded });
        return ok();
      }),

    delete: async (id, expected) =>
      access(({ users, posts, sessions, idempotencyKeys, removals }) => {
        const stored = users.get(id) ?? removals.get(id);
        if (stored === undefined) return fail({ kind: "user_not_found" });
        if (stored.version !== expected) return fail({ kind: "version_conflict" });
        if ("role" in stored && stored.role === "admin" && !hasAdmin(users, id)) return fail({ kind: "last_admin" });
        if ([...posts.values()].some((post) => post.authorId === id)) return fail({ kind: "user_has_posts" });
        users.delete(id);
        removals.delete(id);
        for (const session of sessions.values()) if (session.userId === id) sessions.delete(session.id);
        for (const record of idempotencyKeys.values())
          if (record.userId === id) idempotencyKeys.delete(record.keyDigest);
        return ok();
      }),
  };
}

function userRemovals(access: MemoryAccess): Pick<UserRepository, "requestRemoval" | "findRemoval" | "listRemovals"> {
  return {
    requestRemoval: async (removal) =>
      access(({ users, posts, removals }) => {
        const { userId, version, posts: fate } = removal;
        const stored = users.get(userId);
        if (stored === undefined) return fail({ kind: "user_not_found" });
        const others = [...removals.values()].filter((other) => newAuthorOf(other) === userId);
        const hasPosts = others.length > 0 || [...posts.values()].some((post) => post.authorId === userId);
        if (fate.kind === "keep" && hasPosts) return fail({ kind: "user_has_posts" });
        if (fate.kind === "reassign" && !users.has(fate.to)) return fail({ kind: "author_not_found" });
        if (stored.version !== version) return fail({ kind: "version_conflict" });
        if (stored.role === "admin" && !hasAdmin(users, userId)) return fail({ kind: "last_admin" });
        for (const other of others) removals.set(other.userId, { ...other, posts: fate });
        users.delete(userId);
        removals.set(userId, structuredClone(removal));
        return ok();
      }),

    findRemoval: async (id) => access(({ removals }) => ok(structuredClone(removals.get(id) ?? null))),

    listRemovals: async (maxRows) =>
      access(({ removals }) => ok([...removals.values()].slice(0, maxRows).map((removal) => structuredClone(removal)))),
  };
}

function hasAdmin(users: MemoryTables["users"], except?: UserId): boolean {
  return [...users.values()].some(({ id, role }) => role === "admin" && id !== except);
}

function newAuthorOf({ posts }: UserRemoval): UserId | null {
  return posts.kind === "reassign" ? posts.to : null;
}

function isEmailTaken(users: MemoryTables["users"], user: User): boolean {
  const key = emailKey(user.email);
  return [...users.values()].some((other) => other.id !== user.id && emailKey(other.email) === key);
}
