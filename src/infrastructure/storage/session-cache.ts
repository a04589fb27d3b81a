import { LRUCache } from "lru-cache";
import { ok, type Result } from "neverthrow";
import type { Storage } from "../../application/ports/storage.ts";
import type { Repositories } from "../../application/ports/unit-of-work.ts";
import type { TokenDigest } from "../../domain/session/session.ts";
import type { SessionRepository } from "../../domain/session/session-repository.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { UserRepository } from "../../domain/user/user-repository.ts";
import { newCacheCounts, noteRead, type CacheCount, type CacheCounts } from "./cache-counts.ts";

/** Bounds the memory of a cache: an entry takes about a kilobyte. */
const MAX_CACHED = 10_000;

/**
 * Caches the sessions and users that requests authenticate with. Every write to a session or a user invalidates the caches
 * before it is acknowledged. The caches are coherent only if every write passes through them, so one process must own the
 * database.
 */
export function cacheSessions(
  storage: Storage,
  counts: Pick<CacheCounts, "sessions" | "users"> = newCacheCounts(),
): Storage {
  const { users, posts, sessions, idempotencyKeys, unitOfWork, probe } = storage;
  const sessionCache = readThrough(counts.sessions, async (digest: TokenDigest, signal) =>
    sessions.findByTokenDigest(digest, signal),
  );
  const userCache = readThrough(counts.users, async (id: UserId, signal) => users.findById(id, signal));
  const invalidate = () => {
    sessionCache.invalidate();
    userCache.invalidate();
  };
  return {
    users: { ...usersInvalidating(users, invalidate), findById: userCache.find },
    posts,
    sessions: { ...sessionsInvalidating(sessions, invalidate), findByTokenDigest: sessionCache.find },
    idempotencyKeys,
    unitOfWork: {
      run: async (work) => {
        let hasChanged = false;
        const noteChange = () => {
          hasChanged = true;
        };
        try {
          return await unitOfWork.run(async (repositories) => work(noteChanges(repositories, noteChange)));
        } finally {
          if (hasChanged) invalidate();
        }
      },
    },
    probe,
    close: async () => storage.close(),
  };
}

/** A read-through cache of the values that `load` finds. */
function readThrough<Key extends string, Value extends object, Failure>(
  count: CacheCount,
  load: (key: Key, signal?: AbortSignal) => Promise<Result<Value, Failure>>,
) {
  const cache = new LRUCache<Key, Value>({ max: MAX_CACHED });
  let invalidations = 0;
  return {
    find: async (key: Key, signal?: AbortSignal): Promise<Result<Value, Failure>> => {
      const cached = cache.get(key);
      noteRead(count, cached !== undefined);
      if (cached !== undefined) return ok(copyOf(cached));
      const invalidationsBefore = invalidations;
      const found = await load(key, signal);
      // A value that was loaded during a write may be stale.
      if (found.isOk() && invalidations === invalidationsBefore) cache.set(key, copyOf(found.value));
      return found;
    },
    invalidate: () => {
      invalidations++;
      cache.clear();
    },
  };
}

/** Copies a row with its dates, because a caller may mutate them. */
function copyOf<Row extends object>(row: Row): Row {
  const values = Object.entries(row).map(([name, value]) => [name, value instanceof Date ? new Date(value) : value]);
  return Object.fromEntries(values) as Row;
}

function noteChanges({ users, posts, sessions, idempotencyKeys }: Repositories, onChange: () => void): Repositories {
  return {
    users: usersInvalidating(users, onChange),
    posts,
    sessions: sessionsInvalidating(sessions, onChange),
    idempotencyKeys,
  };
}

// Each method is named, so that a new method does not compile until it is added here, with or without an invalidation. A write
// invalidates the caches whatever its outcome is, also when it throws, because it may have been stored.

function usersInvalidating(users: UserRepository, invalidate: () => void): UserRepository {
  const invalidating = async <T>(write: Promise<T>): Promise<T> => write.finally(invalidate);
  return {
    // Nothing is cached for an id that was not found, so a new user invalidates nothing.
    insert: async (...args) => users.insert(...args),
    findById: async (...args) => users.findById(...args),
    findByEmail: async (...args) => users.findByEmail(...args),
    hasAdmin: async (...args) => users.hasAdmin(...args),
    list: async (...args) => users.list(...args),
    findRemoval: async (...args) => users.findRemoval(...args),
    listRemovals: async (...args) => users.listRemovals(...args),
    update: async (...args) => invalidating(users.update(...args)),
    upgradePasswordHash: async (...args) => invalidating(users.upgradePasswordHash(...args)),
    requestRemoval: async (...args) => invalidating(users.requestRemoval(...args)),
    delete: async (...args) => invalidating(users.delete(...args)),
  };
}

function sessionsInvalidating(sessions: SessionRepository, invalidate: () => void): SessionRepository {
  const invalidating = async <T>(write: Promise<T>): Promise<T> => write.finally(invalidate);
  return {
    // Nothing is cached for a token that was not found, so a new session invalidates nothing.
    insert: async (...args) => sessions.insert(...args),
    findByTokenDigest: async (...args) => sessions.findByTokenDigest(...args),
    listByUser: async (...args) => sessions.listByUser(...args),
    renew: async (...args) => invalidating(sessions.renew(...args)),
    delete: async (...args) => invalidating(sessions.delete(...args)),
    deleteByUser: async (...args) => invalidating(sessions.deleteByUser(...args)),
    // Every log-in calls this and it rarely deletes a session, so only a deletion or a failure invalidates.
    deleteOldest: async (...args) => {
      let hasChanged = true;
      try {
        const deleted = await sessions.deleteOldest(...args);
        hasChanged = deleted.isErr() || deleted.value > 0;
        return deleted;
      } finally {
        if (hasChanged) invalidate();
      }
    },
    deleteExpired: async (...args) => invalidating(sessions.deleteExpired(...args)),
  };
}
