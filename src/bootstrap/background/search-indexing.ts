import { setTimeout as delay } from "node:timers/promises";
import type { Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { SearchIndex } from "../../infrastructure/drizzle/search/search-index.ts";
import type { PostChanges } from "../../infrastructure/storage/post-changes.ts";
import type { PeriodicWork } from "./periodic-work.ts";

/** The maximum number of changed posts that are remembered, about a megabyte. When there are more, a sweep finds them. */
const MAX_PENDING = 10_000;
/** The time between two sweeps: other processes write to the same server, and one of them may have died before it indexed a post. */
const SWEEP_INTERVAL_MS = 300_000;
/** After a bulk change, sweeps leave the engine to requests for this multiple of their duration. */
const SWEEP_REST = 4;
const MIN_SWEEP_REST_MS = 1_000;
/** The longest time that a batch waits for an idle engine. A post is found within a second of its acknowledgement. */
const MAX_WAIT_MS = 400;
const IDLE_CHECK_MS = 5;
/** The delay of a retry after a failure, and after posts that other transactions were writing. */
const FAILURE_DELAY_MS = 5_000;
const LOCKED_DELAY_MS = 50;
/** The time that a stop spends on pending posts. The sweep of the next start finds the others. */
const MAX_DRAIN_MS = 1_000;

export interface SearchIndexing extends PeriodicWork, PostChanges {
  /** Begins the work. Changes that are reported before are remembered. */
  start(): void;
}

interface SearchIndexingOptions {
  readonly index: SearchIndex;
  /** Whether no request waits for the database. */
  readonly isIdle: () => boolean;
  readonly log: Log;
}

/** Indexes changed posts in the background, in the order of their changes, and every post that the index lacks. */
export function searchIndexing({ index, isIdle, log }: SearchIndexingOptions): SearchIndexing {
  const pending = new Set<PostId>();
  let isSweepDue = true;
  let maySweepAt = 0;
  let isStopping = false;
  let isFailing = false;
  let wake = () => {};
  let working: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  const requestSweep = () => {
    isSweepDue = true;
    wake();
  };

  /** Lets requests pass, but not for long. */
  const rest = async () => {
    const until = performance.now() + MAX_WAIT_MS;
    while (!isStopping && !isIdle() && performance.now() < until) await delay(IDLE_CHECK_MS);
  };

  /** Indexes a batch of the oldest changes. Returns the time to wait before the next one. */
  const indexPending = async (): Promise<number> => {
    const ids = Array.from(pending);
    pending.clear();
    const batch = await index.index(ids);
    // They go before the changes of the meantime, so that the order stays.
    const left = batch.isOk() ? batch.value.left : ids;
    const newer = Array.from(pending);
    pending.clear();
    for (const id of [...left, ...newer]) pending.add(id);
    if (pending.size === 0 && batch.isOk()) note(await index.merge());
    else note(batch);
    if (batch.isErr()) return FAILURE_DELAY_MS;
    return batch.value.indexed === 0 && left.length > 0 ? LOCKED_DELAY_MS : 0;
  };

  const sweep = async () => {
    isSweepDue = false;
    const startedAt = performance.now();
    const restAndIndex = async () => {
      await rest();
      // A change of now does not wait for the end of a sweep.
      if (pending.size > 0) await indexPending();
      await rest();
    };
    const swept = await index.sweep({ isStopping: () => isStopping, rest: restAndIndex });
    const durationMs = Math.round(performance.now() - startedAt);
    note(swept);
    if (swept.isErr()) isSweepDue = true;
    else if (swept.value > 0) log.info({ posts: swept.value, durationMs }, "search index brought up to date");
    const restMs = Math.max(swept.isErr() ? FAILURE_DELAY_MS : MIN_SWEEP_REST_MS, SWEEP_REST * durationMs);
    maySweepAt = performance.now() + restMs;
  };

  /** Warns once for a series of failures, such as those of a full disk. */
  const note = (outcome: Result<unknown, StorageFailure>) => {
    if (outcome.isErr() && !isFailing)
      log.warn({ failure: outcome.error }, "posts were not indexed for the search yet");
    isFailing = outcome.isErr();
  };

  const waitForWork = async (): Promise<void> => {
    if (pending.size > 0 || isStopping) return;
    const sweepInMs = isSweepDue ? maySweepAt - performance.now() : Infinity;
    if (sweepInMs <= 0) return;
    await new Promise<void>((resolve) => {
      const due = Number.isFinite(sweepInMs) ? setTimeout(resolve, sweepInMs) : undefined;
      wake = () => {
        clearTimeout(due);
        resolve();
      };
    });
  };

  const work = async () => {
    for (;;) {
      await waitForWork();
      if (isStopping) break;
      await rest();
      const delayMs = pending.size > 0 ? await indexPending() : 0;
      if (pending.size === 0 && isSweepDue && performance.now() >= maySweepAt) await sweep();
      if (delayMs > 0 && !isStopping)
        await Promise.race([
          delay(delayMs, undefined, { ref: false }),
          new Promise<void>((resolve) => (wake = resolve)),
        ]);
    }
    const until = performance.now() + MAX_DRAIN_MS;
    while (pending.size > 0 && performance.now() < until) {
      if ((await indexPending()) > 0) break;
    }
  };

  return {
    onChanged: (id) => {
      pending.add(id);
      // The sweep finds all of them.
      if (pending.size > MAX_PENDING) {
        pending.clear();
        isSweepDue = true;
      }
      wake();
    },
    onManyChanged: requestSweep,
    start: () => {
      timer = setInterval(requestSweep, SWEEP_INTERVAL_MS);
      working = work().catch((error: unknown) =>
        log.error({ error }, "the indexing of posts for the search has ended"),
      );
    },
    stop: async () => {
      isStopping = true;
      clearInterval(timer);
      wake();
      await working;
    },
  };
}
