import type { Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { SearchIndex } from "../../infrastructure/drizzle/search/search-index.ts";
import { waitUntil } from "../../infrastructure/node/wait-until.ts";
import type { PostChanges } from "../../infrastructure/storage/post-changes.ts";
import type { PeriodicWork } from "./periodic-work.ts";

/** The maximum number of changed posts that are remembered, about a megabyte. When there are more, a sweep finds them. */
const MAX_PENDING = 10_000;
/** The time between two sweeps: other processes write to the same server, and one of them may have died before it indexed a post. */
const SWEEP_INTERVAL_MS = 300_000;
/** After a bulk change, sweeps leave the engine to requests for this multiple of their duration. */
const SWEEP_REST = 4;
const MIN_SWEEP_REST_MS = 1_000;
/** The longest time that a batch waits for an idle engine. A post is found within a second unless the engine is saturated. */
const MAX_WAIT_MS = 400;
/** While requests keep the engine busy, they have it for this multiple of the duration of a batch: 95 % of the time. */
const BUSY_REST = 19;
/** The delay of a retry after a failure, and after posts that other transactions were writing. */
const FAILURE_DELAY_MS = 5_000;
const LOCKED_DELAY_MS = 50;
/** The time that a stop spends on pending posts. The sweep of the next start finds the others. */
const MAX_DRAIN_MS = 1_000;

export interface SearchIndexing extends PeriodicWork, PostChanges {
  /** Begins the work. Changes that are reported before are remembered. */
  start(): void;
  /** The changed posts that the index lacks, and for how long the oldest has waited. */
  backlog(): IndexingBacklog;
}

export interface IndexingBacklog {
  readonly pending: number;
  readonly oldestWaitMs: number;
}

interface SearchIndexingOptions {
  readonly index: SearchIndex;
  /** Whether no request waits for the database. */
  readonly isIdle: () => boolean;
  readonly log: Log;
}

/** Indexes changed posts in the background, in the order of their changes, and every post that the index lacks. */
export function searchIndexing(options: SearchIndexingOptions): SearchIndexing {
  const pending = pendingPosts();
  const alarm = alarmClock();
  const state = { isStopping: false, isSweepDue: true, maySweepAt: 0 };
  const { indexPending, sweep } = indexingTasks(options, pending, state);
  let working: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const requestSweep = () => {
    state.isSweepDue = true;
    alarm.ring();
  };
  const msUntilWork = () => {
    if (pending.size() > 0) return 0;
    return state.isSweepDue ? state.maySweepAt - performance.now() : Infinity;
  };
  const work = async () => {
    for (;;) {
      if (!state.isStopping) await alarm.sleep(msUntilWork());
      if (state.isStopping) break;
      const delayMs = pending.size() > 0 ? await indexPending() : 0;
      if (pending.size() === 0 && state.isSweepDue && performance.now() >= state.maySweepAt) await sweep();
      if (delayMs > 0 && !hasStopped(state)) await alarm.sleep(delayMs);
    }
    const until = performance.now() + MAX_DRAIN_MS;
    while (pending.size() > 0 && performance.now() < until) {
      if ((await indexPending()) > 0) break;
    }
  };

  return {
    onChanged: (id) => {
      if (!pending.add(id)) state.isSweepDue = true;
      alarm.ring();
    },
    onManyChanged: requestSweep,
    backlog: pending.backlog,
    start: () => {
      timer = setInterval(requestSweep, SWEEP_INTERVAL_MS);
      working = work().catch((error: unknown) => {
        options.log.error({ error }, "the indexing of posts for the search has ended");
      });
    },
    stop: async () => {
      state.isStopping = true;
      clearInterval(timer);
      alarm.ring();
      await working;
    },
  };
}

interface IndexingState {
  isStopping: boolean;
  isSweepDue: boolean;
  /** The time of `performance.now()` before which no sweep begins. */
  maySweepAt: number;
}

/** Read anew after each wait, during which it may have changed. */
function hasStopped(state: IndexingState): boolean {
  return state.isStopping;
}

function indexingTasks(
  { index, isIdle, log }: SearchIndexingOptions,
  pending: ReturnType<typeof pendingPosts>,
  state: IndexingState,
) {
  let isFailing = false;
  let lastBatchMs = 0;

  /** Warns once for a series of failures, such as those of a full disk. */
  const note = (outcome: Result<unknown, StorageFailure>) => {
    if (outcome.isErr() && !isFailing)
      log.warn({ failure: outcome.error }, "posts were not indexed for the search yet");
    isFailing = outcome.isErr();
  };
  /** Lets requests pass, but not for long. */
  const rest = async () => {
    await waitUntil(() => state.isStopping || isIdle(), Math.max(MAX_WAIT_MS, BUSY_REST * lastBatchMs));
  };
  /** Indexes a batch of the oldest changes. Returns the time to wait before the next one. */
  const indexPending = async (): Promise<number> => {
    await rest();
    const ids = pending.takeAll();
    const startedAt = performance.now();
    const batch = await index.index(ids);
    lastBatchMs = performance.now() - startedAt;
    const left = batch.isOk() ? batch.value.left : ids;
    pending.putBack(left);
    note(batch);
    if (batch.isErr()) return FAILURE_DELAY_MS;
    return batch.value.indexed === 0 && left.length > 0 ? LOCKED_DELAY_MS : 0;
  };
  const sweep = async (): Promise<void> => {
    state.isSweepDue = false;
    const startedAt = performance.now();
    const swept = await index.sweep({
      isStopping: () => state.isStopping,
      rest: async () => {
        // A change of now does not wait for the end of a sweep.
        if (pending.size() > 0) await indexPending();
        await rest();
      },
    });
    const durationMs = Math.round(performance.now() - startedAt);
    note(swept);
    if (swept.isErr()) state.isSweepDue = true;
    else if (swept.value > 0) log.info({ posts: swept.value, durationMs }, "search index brought up to date");
    else log.debug({ durationMs }, "search index is up to date");
    const restMs = Math.max(swept.isErr() ? FAILURE_DELAY_MS : MIN_SWEEP_REST_MS, SWEEP_REST * durationMs);
    state.maySweepAt = performance.now() + restMs;
  };
  return { indexPending, sweep };
}

/** The ids of changed posts, in the order of their changes, {@link MAX_PENDING} at most. */
function pendingPosts() {
  /** The time of `performance.now()` of the first change of each post. */
  let changedAt = new Map<PostId, number>();
  /** The posts of the batch that runs. */
  let taken = new Map<PostId, number>();
  return {
    size: () => changedAt.size,
    backlog: (): IndexingBacklog => {
      const [oldest] = [...taken.values(), ...changedAt.values()];
      return {
        pending: taken.size + changedAt.size,
        oldestWaitMs: oldest === undefined ? 0 : performance.now() - oldest,
      };
    },
    /** Returns false, and forgets all, if there are too many. Then a sweep has to find them. */
    add: (id: PostId): boolean => {
      if (!changedAt.has(id)) changedAt.set(id, performance.now());
      if (changedAt.size <= MAX_PENDING) return true;
      changedAt = new Map();
      return false;
    },
    takeAll: (): readonly PostId[] => {
      taken = changedAt;
      changedAt = new Map();
      return [...taken.keys()];
    },
    /** Ends the batch. Puts the posts that it has left before those that were added since. */
    putBack: (left: readonly PostId[]) => {
      const now = performance.now();
      changedAt = new Map([...left.map((id) => [id, taken.get(id) ?? now] as const), ...changedAt]);
      taken = new Map();
    },
  };
}

/** Sleeps until it rings or the time is over, whichever is first. */
function alarmClock() {
  let ring: (() => void) | null = null;
  return {
    ring: () => ring?.(),
    sleep: async (ms: number): Promise<void> => {
      if (ms <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
        ring = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
