import { setTimeout as delay } from "node:timers/promises";
import type { Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { Storage } from "../../../application/ports/storage.ts";
import type { Repositories } from "../../../application/ports/unit-of-work.ts";
import { singleFlight } from "../../drizzle/batching.ts";
import { failsWith } from "../../storage/retry.ts";
import type { ReplicaStatistics } from "../../storage/storage-statistics.ts";
import type { LsnQuery } from "./lsn-queries.ts";

export interface Primary {
  readonly storage: Storage;
  /** An LSN at or past every acknowledged commit; `null` when the server is a standby. */
  readonly durableLsn: LsnQuery;
}

export interface Replica {
  /** The location of the replica, for the log. */
  readonly location: string;
  readonly repositories: Repositories;
  /** The LSN up to which the replica has replayed the write-ahead log; `null` when the server is not a standby. */
  readonly replayedLsn: LsnQuery;
}

export interface ReplicatedStorage extends Storage {
  readonly replicaStatistics: () => readonly ReplicaStatistics[];
}

/** The time limit of a read's wait for a lagging replica. */
const MAX_LAG_WAIT_MS = 100;
const LAG_POLL_MS = 2;
/** The interval of the probes of each replica, which return a replica to rotation. */
const PROBE_INTERVAL_MS = 1000;

/**
 * Reads posts and lists on the replicas in rotation, round-robin, with read-your-writes for all clients: a read sees every
 * write that any process acknowledged before the read began. It queries the durable LSN of the primary, once for all reads of
 * a turn of the event loop, and waits until the replica has replayed that LSN (PostgreSQL 18, 9.28.4). A replica that lags or
 * fails is removed from rotation until it has caught up. All other calls go to the primary, also those that decide on access.
 */
export function readOnReplicas(
  { storage, durableLsn }: Primary,
  replicas: readonly Replica[],
  log: Log,
): ReplicatedStorage {
  const primaryLsn = singleFlight(async () => durableLsn());
  const watched = replicas.map((replica) => watchReplica(replica, primaryLsn, log));
  const { users, posts, sessions, idempotencyKeys, unitOfWork, probe } = storage;
  let turn = 0;

  const read = async <Answer extends Result<unknown, unknown>>(query: Query<Answer>): Promise<Answer> => {
    const inRotation = watched.filter((replica) => replica.isInRotation());
    const answer = await inRotation[turn++ % inRotation.length]?.read(query);
    return answer ?? query(storage);
  };

  // Each method is named, so that an adapter may be a class and a new method does not compile until it is added here.
  return {
    users: {
      insert: async (...args) => users.insert(...args),
      findById: async (...args) => users.findById(...args),
      findByEmail: async (...args) => users.findByEmail(...args),
      hasAdmin: async (...args) => users.hasAdmin(...args),
      list: async (...args) => read(async (on) => on.users.list(...args)),
      update: async (...args) => users.update(...args),
      upgradePasswordHash: async (...args) => users.upgradePasswordHash(...args),
      requestRemoval: async (...args) => users.requestRemoval(...args),
      findRemoval: async (...args) => users.findRemoval(...args),
      listRemovals: async (...args) => users.listRemovals(...args),
      delete: async (...args) => users.delete(...args),
    },
    posts: {
      insert: async (...args) => posts.insert(...args),
      findById: async (...args) => read(async (on) => on.posts.findById(...args)),
      hasPublished: async (...args) => posts.hasPublished(...args),
      list: async (...args) => read(async (on) => on.posts.list(...args)),
      search: async (...args) => read(async (on) => on.posts.search(...args)),
      update: async (...args) => posts.update(...args),
      delete: async (...args) => posts.delete(...args),
      deleteByAuthor: async (...args) => posts.deleteByAuthor(...args),
      reassign: async (...args) => posts.reassign(...args),
    },
    sessions,
    idempotencyKeys,
    unitOfWork,
    probe,
    replicaStatistics: () => watched.map((replica) => replica.statistics()),
    close: async () => {
      for (const replica of watched) replica.stopProbing();
      return storage.close();
    },
  };
}

type Query<Answer> = (repositories: Repositories) => Promise<Answer>;

interface WatchedReplica {
  isInRotation(): boolean;
  statistics(): ReplicaStatistics;
  /** Returns the answer of the replica; `null` when it cannot answer, so that the primary must. */
  read<Answer extends Result<unknown, unknown>>(query: Query<Answer>): Promise<Answer | null>;
  stopProbing(): void;
}

const hasFailed = failsWith(({ reason }) => reason !== "cancelled");

function watchReplica(
  { location, repositories, replayedLsn }: Replica,
  primaryLsn: LsnQuery,
  log: Log,
): WatchedReplica {
  let isInRotation = false;
  let lagBytes: number | null = null;
  const noteLag = (bytes: number | null) => {
    lagBytes = bytes;
  };
  /** Functions that end the wait of the reads that run on the replica. */
  const abandonReads = new Set<() => void>();

  const addToRotation = () => {
    if (isInRotation) return;
    isInRotation = true;
    log.info({ replica: location }, "replica added to rotation");
  };
  const removeFromRotation = (cause: unknown) => {
    if (!isInRotation) return;
    isInRotation = false;
    for (const abandon of abandonReads) abandon();
    log.warn({ replica: location, cause }, "replica removed from rotation");
  };

  /** Returns the reason why the replica does not show all acknowledged writes; `null` when it does. */
  const lagReason = singleFlight(async () => {
    const reason = catchUp(primaryLsn, replayedLsn, noteLag).catch((thrown: unknown) => thrown);
    return Promise.race([reason, delay(MAX_LAG_WAIT_MS, "it does not answer in time", { ref: false })]);
  });

  const probe = async () => {
    const cause = await lagReason();
    if (cause === null) addToRotation();
    else removeFromRotation(cause);
  };
  void probe();
  const probing = setInterval(() => void probe(), PROBE_INTERVAL_MS).unref();

  return {
    isInRotation: () => isInRotation,
    statistics: () => ({ location, isInRotation, lagBytes }),
    read: async (query) => {
      const cause = await lagReason();
      if (cause !== null) removeFromRotation(cause);
      if (!isInRotation) return null;
      // A probe finds a replica that stops answering during a read, and the removal ends the wait.
      const answer = await unlessAbandoned(query(repositories), abandonReads).catch((thrown: unknown) => {
        removeFromRotation(thrown);
        return null;
      });
      if (answer === null || !hasFailed(answer)) return answer;
      removeFromRotation(answer._unsafeUnwrapErr());
      return null;
    },
    stopProbing: () => clearInterval(probing),
  };
}

/** Returns the answer, or `null` once it is abandoned. A race with one long-lived promise would keep every answer in memory. */
async function unlessAbandoned<Answer>(answer: Promise<Answer>, abandonReads: Set<() => void>): Promise<Answer | null> {
  return new Promise((settle, refuse) => {
    const abandon = () => settle(null);
    abandonReads.add(abandon);
    void answer.finally(() => abandonReads.delete(abandon)).then(settle, refuse);
  });
}

async function catchUp(
  primaryLsn: LsnQuery,
  replayedLsn: LsnQuery,
  noteLag: (bytes: number | null) => void,
): Promise<unknown> {
  const endsAt = performance.now() + MAX_LAG_WAIT_MS;
  const [durable, first] = await Promise.all([primaryLsn(), replayedLsn()]);
  noteLag(lagOf(durable.unwrapOr(null), first.unwrapOr(null)));
  if (durable.isErr()) return durable.error;
  if (durable.value === null) return "the primary is a standby";
  for (let replayed = first; ; replayed = await replayedLsn()) {
    if (replayed.isErr()) return replayed.error;
    if (replayed.value === null) return "it is not a standby";
    if (replayed.value >= durable.value) return null;
    if (performance.now() > endsAt) return "its lag is too long";
    await delay(LAG_POLL_MS);
  }
}

function lagOf(durable: bigint | null, replayed: bigint | null): number | null {
  if (durable === null || replayed === null) return null;
  return replayed >= durable ? 0 : Number(durable - replayed);
}
