import { LRUCache } from "lru-cache";
import { ok, type Result } from "neverthrow";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import type { UserId } from "../../domain/shared/id.ts";
import type { TokenDigest } from "../../domain/session/session.ts";

/** Bounds the memory that it takes: about a kilobyte for each. */
const MAX_CACHED = 10_000;

interface Ports extends Repositories {
  readonly unitOfWork: UnitOfWork;
}

/**
 * Remembers sessions and users that were found, so that who asks is known without asking the database each time. All
 * are forgotten before a change of any is acknowledged. That holds only where every change comes this way: in a process
 * that has its database for itself.
 */
export function cacheSessions({ users, sessions, unitOfWork, ...others }: Ports): Ports {
  const knownSessions = remembered(async (digest: TokenDigest) => sessions.findByTokenDigest(digest));
  const knownUsers = remembered(async (id: UserId) => users.findById(id));
  const forget = () => {
    knownSessions.forget();
    knownUsers.forget();
  };
  const noted = noteChanges({ users, sessions, ...others }, forget);
  return {
    ...others,
    sessions: { ...noted.sessions, findByTokenDigest: knownSessions.find },
    users: { ...noted.users, findById: knownUsers.find },
    unitOfWork: {
      run: async (work) => {
        let hasChanged = false;
        const note = () => {
          hasChanged = true;
        };
        try {
          return await unitOfWork.run(async (repositories) => work(noteChanges(repositories, note)));
        } finally {
          if (hasChanged) forget();
        }
      },
    },
  };
}

/** Looks up what is not known yet. */
function remembered<Key extends string, Value extends object, Failure>(
  look: (key: Key) => Promise<Result<Value, Failure>>,
) {
  const known = new LRUCache<Key, Value>({ max: MAX_CACHED });
  let changes = 0;
  return {
    find: async (key: Key): Promise<Result<Value, Failure>> => {
      const value = known.get(key);
      if (value !== undefined) return ok(copyOf(value));
      const changesBefore = changes;
      const found = await look(key);
      // What was read while something changed may be what was there before.
      if (found.isOk() && changes === changesBefore) known.set(key, copyOf(found.value));
      return found;
    },
    forget: () => {
      changes++;
      known.clear();
    },
  };
}

/** Who gets a row may change it, and times are objects that can be changed too. */
function copyOf<Row extends object>(row: Row): Row {
  const values = Object.entries(row).map(([name, value]) => [name, value instanceof Date ? new Date(value) : value]);
  return Object.fromEntries(values) as Row;
}

/** Calls `note` after each attempt to change a user or a session, whatever came of it. */
function noteChanges({ users, sessions, ...others }: Repositories, note: () => void): Repositories {
  const noted = async <T>(change: Promise<T>): Promise<T> => change.finally(note);
  return {
    ...others,
    users: {
      ...users,
      update: async (user, expected) => noted(users.update(user, expected)),
      upgradePasswordHash: async (id, current, upgraded) => noted(users.upgradePasswordHash(id, current, upgraded)),
      requestRemoval: async (removal) => noted(users.requestRemoval(removal)),
      delete: async (id, expected) => noted(users.delete(id, expected)),
    },
    sessions: {
      ...sessions,
      renew: async (session) => noted(sessions.renew(session)),
      delete: async (id, userId) => noted(sessions.delete(id, userId)),
      deleteByUser: async (userId, kept) => noted(sessions.deleteByUser(userId, kept)),
      // At each log-in, which hardly ever ends another session.
      deleteOldest: async (userId, kept, most) => {
        const deleted = await sessions.deleteOldest(userId, kept, most);
        if (deleted.isErr() || deleted.value > 0) note();
        return deleted;
      },
      deleteExpired: async (now, most) => noted(sessions.deleteExpired(now, most)),
    },
  };
}
