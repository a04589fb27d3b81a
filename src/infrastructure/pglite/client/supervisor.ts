import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { StopUnclean } from "../../../application/ports/storage.ts";
import { hasFreeDescriptors } from "../../node/file-descriptors.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import { openEngine, type Engine, type EngineFailed, type OpenEngineError } from "../engine/engine.ts";
import { admissionQueue, type AdmissionRejected, type AdmissionRequest, type Release } from "./admission-queue.ts";

/** The engine failed again and again, or its files were found damaged: there is none any more. */
export interface EngineGaveUp {
  readonly kind: "engine_gave_up";
  readonly failures: number;
  readonly cause: EngineFailed | OpenEngineError;
}

/** The engine, held until `release`. */
export interface EngineLease {
  readonly engine: Engine;
  readonly release: Release;
}

/** Keeps an engine open: one that fails is replaced by another, which replays the write-ahead log. */
export interface Supervisor {
  /** Waits for the engine in the admission queue. Fails with `admission_rejected`. */
  acquire(request: AdmissionRequest): Promise<Result<EngineLease, AdmissionRejected>>;
  /** Whether there is an engine now. */
  isServing(): boolean;
  /** Where the write-ahead log ended at the last write or checkpoint. */
  position(): bigint;
  /** Replaces the engine between two turns, as one that has failed; settles once there is another, or none any more. */
  renew(reason: string): Promise<void>;
  /** Whether the first engine had to replay the write-ahead log. */
  readonly recovered: boolean;
  /** Settles when the engine is given up; never otherwise. */
  readonly gaveUp: Promise<EngineGaveUp>;
  /** Ends the engine as a crash would: what is on the disk stays as it is, and the next start checks it again. */
  kill(): Promise<void>;
  /** Ends the engine after what waits for it. Fails with `stop_unclean`. */
  close(): Promise<Result<void, StopUnclean>>;
}

export interface SupervisorOptions {
  readonly directory: string;
  readonly cluster: string;
  readonly durability: "fsync" | "relaxed";
  readonly space: DiskSpace;
  readonly log: Log;
}

/** An engine of average speed serves so many requests within the longest wait; more would only wait in vain. */
const QUEUE_LIMITS = { maxWaiting: 1000, maxWaitingBytes: 64 * 1_048_576, maxWaitMs: 5000, maxSharedHolders: 64 };
const MAX_FAILURES = 8;
const FAILURES_WINDOW_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5000;

export async function superviseEngine(options: SupervisorOptions): Promise<Result<Supervisor, OpenEngineError>> {
  const { space, log, directory, cluster, durability } = options;
  const queue = admissionQueue(QUEUE_LIMITS);
  const failedAt: number[] = [];
  let engine: Engine | null = null;
  let position = 0n;
  let isClosing = false;
  let giveUp: (reason: EngineGaveUp) => void;
  const gaveUp = new Promise<EngineGaveUp>((settle) => (giveUp = settle));

  const open = async (): Promise<Result<Engine, OpenEngineError>> => {
    // An engine that opens on a full disk would fail on its first flush.
    if (space.isLow()) space.releaseReserve();
    const opened = await openEngine({ directory, cluster, durability, onFailed });
    if (opened.isOk()) position = opened.value.position();
    return opened;
  };

  const onFailed = (failure: EngineFailed) => {
    engine = null;
    queue.pause();
    const { reason, detail, lastWords } = failure;
    log.error({ reason, detail, lastWords }, "the engine failed and is replaced");
    void replace(failure);
  };

  /** How often the engine has failed lately, this time included. */
  const countFailure = (): number => {
    const now = performance.now();
    failedAt.push(now);
    while ((failedAt[0] ?? now) < now - FAILURES_WINDOW_MS) failedAt.shift();
    return failedAt.length;
  };

  const replace = async (failure: EngineFailed): Promise<void> => {
    const startedAt = performance.now();
    let cause: EngineGaveUp["cause"] = failure;
    for (let attempts = 1; ; attempts++) {
      if (isClosing) return;
      // Without space or descriptors it cannot succeed, and need not be given up: they may come back.
      const isShort = space.isLow() || !hasFreeDescriptors();
      const failures = isShort ? attempts + 1 : countFailure();
      if (!isShort && failures > MAX_FAILURES) return abandon({ kind: "engine_gave_up", failures, cause });
      if (failures > 1) await delay(Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 2), MAX_BACKOFF_MS));
      // Node itself may end when it finds no descriptor for a new thread.
      if (!hasFreeDescriptors()) continue;
      const opened = await open();
      if (opened.isOk()) {
        engine = opened.value;
        log.warn({ durationMs: Math.round(performance.now() - startedAt) }, "the engine was replaced");
        return queue.resume();
      }
      cause = opened.error;
      if (cause.kind === "cluster_damaged") return abandon({ kind: "engine_gave_up", failures, cause });
      log.error({ detail: cause.detail, lastWords: cause.lastWords }, "the engine does not open");
    }
  };

  const abandon = (reason: EngineGaveUp) => {
    queue.rejectAll();
    giveUp(reason);
  };

  const first = await open();
  if (first.isErr()) return err(first.error);
  engine = first.value;

  return ok({
    acquire: async (request) => {
      for (let isRetry = request.isRetry ?? false; ; isRetry = true) {
        const admission = await queue.acquire({ ...request, isRetry });
        if (admission.isErr()) return err(admission.error);
        const release = admission.value;
        if (engine !== null) return ok({ engine, release });
        // The engine failed after the queue admitted the request and before this line ran.
        release();
      }
    },
    isServing: () => engine !== null,
    position: () => engine?.position() ?? position,
    renew: async (detail) => {
      const admission = await queue.acquire({ bytes: 0, mode: "exclusive", isRetry: true });
      if (admission.isErr()) return;
      const outOfStep = engine;
      if (outOfStep !== null) {
        engine = null;
        queue.pause();
        await outOfStep.kill();
        log.error({ detail }, "the engine and its files disagree: it is replaced");
      }
      admission.value();
      if (outOfStep !== null) await replace({ kind: "engine_failed", reason: "out_of_step", detail, lastWords: [] });
    },
    recovered: first.value.recovered,
    gaveUp,
    kill: async () => {
      isClosing = true;
      queue.rejectAll();
      await engine?.kill();
    },
    close: async () => {
      if (engine === null) queue.rejectAll();
      await queue.close();
      isClosing = true;
      if (engine === null) return err({ kind: "stop_unclean", detail: "the engine had failed" });
      if (space.isLow()) space.releaseReserve();
      const closed = await engine.close();
      if (closed.isErr()) return err({ kind: "stop_unclean", detail: closed.error.failure.detail });
      return closed.value.isShutDown ? ok() : err({ kind: "stop_unclean", detail: "its last checkpoint failed" });
    },
  });
}
