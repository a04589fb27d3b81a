import { ok } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import { toPage } from "../../domain/shared/page.ts";
import { isExpired } from "../../domain/session/session.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import { rowsFrom } from "./memory-page.ts";
import { addRow, unlessAborted, type MemoryAccess } from "./memory-tables.ts";

export function memorySessions(access: MemoryAccess): SessionRepository {
  return { ...sessionReadsAndWrites(access), ...sessionDeletions(access) };
}

type SessionDeletions = Pick<SessionRepository, "delete" | "deleteOldest" | "deleteByUser" | "deleteExpired">;

function sessionReadsAndWrites(access: MemoryAccess): Omit<SessionRepository, keyof SessionDeletions> {
  return {
    insert: async (session, userVersion) =>
      access(({ users, sessions }) => {
        const user = users.get(session.userId);
        if (user === undefined) return fail({ kind: "user_not_found" });
        if (user.version !== userVersion) return fail({ kind: "version_conflict" });
        if ([...sessions.values()].some((other) => other.tokenDigest === session.tokenDigest)) {
          throw new Error("A session with this token digest is stored already.");
        }
        addRow(sessions, session);
        return ok();
      }),

    findByTokenDigest: async (digest, signal) =>
      access(
        unlessAborted("sessions.findByTokenDigest", signal, ({ sessions }) => {
          const session = [...sessions.values()].find((candidate) => candidate.tokenDigest === digest);
          return session === undefined ? fail({ kind: "session_not_found" }) : ok(structuredClone(session));
        }),
      ),

    listByUser: async (userId, now, page, signal) =>
      access(
        unlessAborted("sessions.listByUser", signal, ({ sessions }) => {
          const alive = [...sessions.values()].filter(
            (session) => session.userId === userId && !isExpired(session, now),
          );
          return ok(toPage(rowsFrom(alive, page), page.limit, page.from));
        }),
      ),

    renew: async ({ id, lastUsedAt, expiresAt }) =>
      access(({ sessions }) => {
        const stored = sessions.get(id);
        if (stored === undefined) return fail({ kind: "session_not_found" });
        sessions.set(id, structuredClone({ ...stored, lastUsedAt, expiresAt }));
        return ok();
      }),
  };
}

function sessionDeletions(access: MemoryAccess): SessionDeletions {
  return {
    delete: async (id, userId) =>
      access(({ sessions }) => {
        if (sessions.get(id)?.userId !== userId) return fail({ kind: "session_not_found" });
        sessions.delete(id);
        return ok();
      }),

    deleteOldest: async (userId, kept, maxRows) =>
      access(({ sessions }) => {
        const own = [...sessions.values()].filter((session) => session.userId === userId);
        const oldest = own.toSorted((a, b) => (a.id < b.id ? 1 : -1)).slice(kept, kept + maxRows);
        for (const { id } of oldest) sessions.delete(id);
        return ok(oldest.length);
      }),

    deleteByUser: async (userId, kept) =>
      access(({ sessions }) => {
        for (const session of sessions.values()) {
          if (session.userId === userId && session.id !== kept) sessions.delete(session.id);
        }
        return ok();
      }),

    deleteExpired: async (now, maxRows) =>
      access(({ sessions }) => {
        const expired = [...sessions.values()].filter((session) => isExpired(session, now)).slice(0, maxRows);
        for (const { id } of expired) sessions.delete(id);
        return ok(expired.length);
      }),
  };
}
