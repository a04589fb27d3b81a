import { and, desc, eq, gt, lte, ne, sql, type SQL } from "drizzle-orm";
import { ok } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { toPage } from "../../domain/shared/page.ts";
import type { Session, TokenDigest } from "../../domain/session/session.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { guardedWrite } from "./guarded-write.ts";
import { newestFirst } from "./newest-first.ts";
import { once } from "./prepared.ts";
import { sessions, users } from "./schema.ts";
import { IS_PRESENT } from "./user-write.ts";
import { batchLookups } from "./batching.ts";

const USER_NOT_FOUND = { kind: "user_not_found" } as const;
const SESSION_NOT_FOUND = { kind: "session_not_found" } as const;

export function drizzleSessions(db: Database): SessionRepository {
  return { ...sessionReads(db), ...sessionWrites(db), ...sessionDeletions(db) };
}

function sessionReads(db: Database): Pick<SessionRepository, "findByTokenDigest" | "listByUser"> {
  const selectByDigests = once(() =>
    db
      .select()
      .from(sessions)
      .where(sql`${sessions.tokenDigest} = any(${sql.placeholder("digests")})`)
      .prepare("sessions_by_digests"),
  );
  const findSession = batchLookups(
    "sessions.findByTokenDigest",
    (session: typeof sessions.$inferSelect) => session.tokenDigest,
    async (digests: readonly TokenDigest[], signal) =>
      attempt(db, "sessions.findByTokenDigest", async () => selectByDigests().execute({ digests }), {}, signal),
  );

  return {
    findByTokenDigest: async (digest, signal) =>
      (await findSession(digest, signal)).andThen((session) =>
        session === undefined ? fail(SESSION_NOT_FOUND) : ok(session),
      ),

    listByUser: async (userId, now, { limit, from }, signal) => {
      const { after, order } = newestFirst(sessions.id, from);
      const rows = await attempt(
        db,
        "sessions.listByUser",
        async () =>
          db
            .select()
            .from(sessions)
            .where(and(eq(sessions.userId, userId), gt(sessions.expiresAt, now), after))
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

function sessionWrites(db: Database): Pick<SessionRepository, "insert" | "renew"> {
  return {
    insert: async (session, userVersion) => {
      const isOwner = and(eq(users.id, session.userId), IS_PRESENT);
      return guardedWrite(db, {
        operation: "sessions.insert",
        write: async () => insertBesideUser(db, session, and(isOwner, eq(users.version, userVersion))),
        exists: async () => db.select({ version: users.version }).from(users).where(isOwner),
        notFound: USER_NOT_FOUND,
      });
    },

    renew: async ({ id, lastUsedAt, expiresAt }) =>
      (
        await attempt(db, "sessions.renew", async () =>
          db.update(sessions).set({ lastUsedAt, expiresAt }).where(eq(sessions.id, id)).returning({ id: sessions.id }),
        )
      ).andThen((rows) => (rows.length === 0 ? fail(SESSION_NOT_FOUND) : ok())),
  };
}

/**
 * Stores a session if a user fulfils the condition. The lock lets a concurrent change of that user wait for the commit, and this
 * statement waits for the commit of an earlier change and reads the user again (PostgreSQL 18, 13.2.1).
 */
async function insertBesideUser(db: Database, session: Session, isOwner: SQL | undefined) {
  const given = (column: keyof Session) =>
    sql`${sql.param(session[column], sessions[column])}`.as(sessions[column].name);
  const row = {
    id: given("id"),
    userId: given("userId"),
    tokenDigest: given("tokenDigest"),
    createdAt: given("createdAt"),
    lastUsedAt: given("lastUsedAt"),
    expiresAt: given("expiresAt"),
  };
  return db
    .insert(sessions)
    .select(db.select(row).from(users).where(isOwner).for("share"))
    .returning({ id: sessions.id });
}

type SessionDeletions = Pick<SessionRepository, "delete" | "deleteOldest" | "deleteByUser" | "deleteExpired">;

function sessionDeletions(db: Database): SessionDeletions {
  return {
    delete: async (id, userId) =>
      (
        await attempt(db, "sessions.delete", async () =>
          db
            .delete(sessions)
            .where(and(eq(sessions.id, id), eq(sessions.userId, userId)))
            .returning({ id: sessions.id }),
        )
      ).andThen((rows) => (rows.length === 0 ? fail(SESSION_NOT_FOUND) : ok())),

    deleteOldest: async (userId, kept, maxRows) =>
      (
        await attempt(db, "sessions.deleteOldest", async () => {
          const oldest = db
            .select({ id: sessions.id })
            .from(sessions)
            .where(eq(sessions.userId, userId))
            .orderBy(desc(sessions.id))
            .offset(kept)
            .limit(maxRows);
          return db
            .delete(sessions)
            .where(sql`${sessions.id} = any(array${oldest})`)
            .returning({ id: sessions.id });
        })
      ).map((rows) => rows.length),

    deleteByUser: async (userId, kept) =>
      (
        await attempt(db, "sessions.deleteByUser", async () =>
          db
            .delete(sessions)
            .where(and(eq(sessions.userId, userId), kept === null ? undefined : ne(sessions.id, kept))),
        )
      ).map(() => undefined),

    deleteExpired: async (now, maxRows) =>
      (
        await attempt(db, "sessions.deleteExpired", async () => {
          // Skips sessions that another process is deleting or renewing.
          const expired = db
            .select({ id: sessions.id })
            .from(sessions)
            .where(lte(sessions.expiresAt, now))
            .orderBy(sessions.expiresAt)
            .limit(maxRows)
            .for("update", { skipLocked: true });
          return db
            .delete(sessions)
            .where(sql`${sessions.id} = any(array${expired})`)
            .returning({ id: sessions.id });
        })
      ).map((rows) => rows.length),
  };
}
