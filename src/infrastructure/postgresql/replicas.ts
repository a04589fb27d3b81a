import { setTimeout as delay } from "node:timers/promises";
import type { Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { Storage } from "../../application/ports/storage.ts";
import type { Repositories } from "../../application/ports/unit-of-work.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { singleFlight } from "../drizzle/batching.ts";
import type { Lsn } from "../sql/lsn.ts";
import { failsWith } from "../storage/retry.ts";

interface LogPosition {
  /**
   * A position in the write-ahead log: of a primary, one that no write is behind that was acknowledged; of a replica, up
   * to where it shows what was written. `null` when the server is the other of the two.
   */
  readonly position: () => Promise<Result<Lsn | null, StorageFailure>>;
}

export interface Primary extends LogPosition {
  readonly storage: Storage;
}

export interface Replica extends LogPosition {
  readonly repositories: Repositories;
  /** Where it is, to be shown. */
  readonly place: string;
}

/** How long a read waits for a replica to show what was written before it. */
const MAX_WAIT_MS = 100;
const POLL_MS = 2;
/** How often each replica is looked at: one that was left out may come back. */
const WATCH_MS = 1000;

/**
 * Reads posts and lists on replicas, in turn. A read sees everything that was acknowledged before it began, to whomever
 * and by whichever process: the primary is asked how far its log is, once for all reads of a turn of the event loop, and
 * the replica is waited for until it has replayed that much (PostgreSQL 18, 9.28.4). One that does not in time, or fails,
 * is left out until it does again. Everything else is read on the primary, such as what decides who may do what.
 */
export function readsOnReplicas({ storage, position }: Primary, replicas: readonly Replica[], log: Log): Storage {
  const written = singleFlight(async () => position());
  const watched = replicas.map((replica) => watch(replica, written, log));
  const { users, posts } = storage;
  let turn = 0;

  const read = async <Answer extends Result<unknown, unknown>>(ask: Ask<Answer>): Promise<Answer> => {
    const serving = watched.filter((replica) => replica.isServing());
    const answer = await serving[turn++ % serving.length]?.read(ask);
    return answer ?? ask(storage);
  };

  return {
    ...storage,
    users: { ...users, list: async (filter, page, signal) => read(async (on) => on.users.list(filter, page, signal)) },
    posts: {
      ...posts,
      findById: async (id, drafts, signal) => read(async (on) => on.posts.findById(id, drafts, signal)),
      list: async (filter, sort, page, signal) => read(async (on) => on.posts.list(filter, sort, page, signal)),
      search: async (filter, query, page, signal) => read(async (on) => on.posts.search(filter, query, page, signal)),
    },
    close: async () => {
      for (const replica of watched) replica.close();
      return storage.close();
    },
  };
}

type Ask<Answer> = (repositories: Repositories) => Promise<Answer>;

interface Watched {
  isServing(): boolean;
  /** Gives what the replica answers; `null` when it cannot, and the primary must be asked. */
  read<Answer extends Result<unknown, unknown>>(ask: Ask<Answer>): Promise<Answer | null>;
  close(): void;
}

const hasFailed = failsWith(() => true);

function watch({ place, repositories, position }: Replica, written: LogPosition["position"], log: Log): Watched {
  let term: Term | null = null;

  const takeIn = () => {
    if (term !== null) return;
    term = newTerm();
    log.info({ replica: place }, "a replica serves reads");
  };
  const leaveOut = (cause: unknown) => {
    if (term === null) return;
    term.end();
    term = null;
    log.warn({ replica: place, cause }, "a replica is left out until it is back");
  };

  /** Gives why the replica does not show what was written until now; `null` when it does. */
  const hindrance = singleFlight(async () => {
    const asked = catchUp(written, position).catch((thrown: unknown) => thrown);
    return Promise.race([asked, delay(MAX_WAIT_MS, "it does not answer in time", { ref: false })]);
  });

  const look = async () => {
    const cause = await hindrance();
    if (cause === null) takeIn();
    else leaveOut(cause);
  };
  void look();
  const looking = setInterval(() => void look(), WATCH_MS).unref();

  return {
    isServing: () => term !== null,
    read: async (ask) => {
      const cause = await hindrance();
      if (cause !== null) leaveOut(cause);
      if (term === null) return null;
      // One that stops answering in the middle of a read is found out by the next look at it.
      const answer = await Promise.race([ask(repositories), term.ended]).catch((thrown: unknown) => {
        leaveOut(thrown);
        return null;
      });
      if (answer === null || !hasFailed(answer)) return answer;
      leaveOut(answer._unsafeUnwrapErr());
      return null;
    },
    close: () => clearInterval(looking),
  };
}

/** The time in which a replica serves, from when it was taken in until it is left out. */
interface Term {
  readonly ended: Promise<null>;
  end(): void;
}

function newTerm(): Term {
  const end = new AbortController();
  const ended = new Promise<null>((settle) => {
    end.signal.addEventListener("abort", () => settle(null));
  });
  return { ended, end: () => end.abort() };
}

async function catchUp(written: LogPosition["position"], position: LogPosition["position"]): Promise<unknown> {
  const endsAt = performance.now() + MAX_WAIT_MS;
  const [all, first] = await Promise.all([written(), position()]);
  if (all.isErr()) return all.error;
  if (all.value === null) return "the primary is none";
  for (let shown = first; ; shown = await position()) {
    if (shown.isErr()) return shown.error;
    if (shown.value === null) return "it is no standby";
    if (shown.value >= all.value) return null;
    if (performance.now() > endsAt) return "it is behind";
    await delay(POLL_MS);
  }
}
