import { and, desc, eq, gt, lte, ne, sql } from "drizzle-orm";
import { ok } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { toPage } from "../../domain/shared/page.ts";
import type { TokenDigest } from "../../domain/session/session.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";
import { newestFirst } from "./newest-first.ts";
import { once } from "./prepared.ts";
import { sessions } from "./schema.ts";
import { batchLookups } from "./batching.ts";

const USER_NOT_FOUND = { sessions_user_fkey: { kind: "user_not_found" } } as const;
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
    insert: async (session) =>
      (await attempt(db, "sessions.insert", async () => db.insert(sessions).values(session), USER_NOT_FOUND)).map(
        () => undefined,
      ),

    renew: async ({ id, lastUsedAt, expiresAt }) =>
      (
        await attempt(db, "sessions.renew", async () =>
          db.update(sessions).set({ lastUsedAt, expiresAt }).where(eq(sessions.id, id)).returning({ id: sessions.id }),
        )
      ).andThen((rows) => (rows.length === 0 ? fail(SESSION_NOT_FOUND) : ok())),
  };
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
