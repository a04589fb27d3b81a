import type { Database } from "better-sqlite3";
import { ok } from "neverthrow";
import { fail, type Session, type SessionRepository } from "quire-api";
import type { Access } from "./access.ts";
import { pageById } from "./pages.ts";
import { findUser } from "./users.ts";

interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly token_digest: string;
  readonly created_at: number;
  readonly last_used_at: number;
  readonly expires_at: number;
}

const restore = (row: SessionRow) =>
  ({
    id: row.id,
    userId: row.user_id,
    tokenDigest: row.token_digest,
    createdAt: new Date(row.created_at),
    lastUsedAt: new Date(row.last_used_at),
    expiresAt: new Date(row.expires_at),
  }) as Session;

export function sqliteSessions(db: Database, access: Access): SessionRepository {
  return {
    insert: async ({ id, userId, tokenDigest, createdAt, lastUsedAt, expiresAt }, userVersion) =>
      access("sessions.insert", () => {
        const user = findUser(db, userId);
        if (user === undefined) return fail({ kind: "user_not_found" });
        if (user.version !== userVersion) return fail({ kind: "version_conflict" });
        const times = [createdAt, lastUsedAt, expiresAt].map((time) => time.getTime());
        db.prepare("insert into sessions values (?, ?, ?, ?, ?, ?)").run(id, userId, tokenDigest, ...times);
        return ok();
      }),
    findByTokenDigest: async (digest, signal) =>
      access(
        "sessions.findByTokenDigest",
        () => {
          const row = db.prepare<[string], SessionRow>("select * from sessions where token_digest = ?").get(digest);
          return row === undefined ? fail({ kind: "session_not_found" }) : ok(restore(row));
        },
        signal,
      ),
    listByUser: async (userId, now, page, signal) =>
      access(
        "sessions.listByUser",
        () => {
          const where = "user_id = @userId and expires_at > @now";
          return ok(pageById(db, { table: "sessions", where, values: { userId, now: now.getTime() } }, page, restore));
        },
        signal,
      ),
    renew: async ({ id, lastUsedAt, expiresAt }) =>
      access("sessions.renew", () => {
        const { changes } = db
          .prepare("update sessions set last_used_at = ?, expires_at = ? where id = ?")
          .run(lastUsedAt.getTime(), expiresAt.getTime(), id);
        return changes === 0 ? fail({ kind: "session_not_found" }) : ok();
      }),
    delete: async (id, userId) =>
      access("sessions.delete", () => {
        const { changes } = db.prepare("delete from sessions where id = ? and user_id = ?").run(id, userId);
        return changes === 0 ? fail({ kind: "session_not_found" }) : ok();
      }),
    deleteOldest: async (userId, kept, maxRows) =>
      access("sessions.deleteOldest", () => {
        const oldest = "select id from sessions where user_id = ? order by id desc limit ? offset ?";
        return ok(db.prepare(`delete from sessions where id in (${oldest})`).run(userId, maxRows, kept).changes);
      }),
    deleteByUser: async (userId, kept) =>
      access("sessions.deleteByUser", () => {
        db.prepare("delete from sessions where user_id = ? and id <> ?").run(userId, kept ?? "");
        return ok();
      }),
    deleteExpired: async (now, maxRows) =>
      access("sessions.deleteExpired", () => {
        const expired = "select id from sessions where expires_at <= ? limit ?";
        return ok(db.prepare(`delete from sessions where id in (${expired})`).run(now.getTime(), maxRows).changes);
      }),
  };
}
