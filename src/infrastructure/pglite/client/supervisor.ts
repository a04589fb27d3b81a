import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { StopUnclean } from "../../../application/ports/storage.ts";
import { hasFreeDescriptors } from "../../node/file-descriptors.ts";
import type { Damage } from "../directory/damage.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import {
  openEngine,
  type ClusterDamaged,
  type Engine,
  type EngineFailed,
  type EngineNotOpened,
} from "../engine/engine.ts";
import type { EngineDurability } from "../engine/node-fs.ts";
import { CAN_END_WORKERS } from "../engine/worker-thread.ts";
import type { Notification } from "../engine/wire-protocol.ts";
import type { SchemaNeeds } from "./schema-needs.ts";
import {
  admissionQueue,
  type AdmissionQueue,
  type AdmissionRejected,
  type AdmissionRequest,
  type AdmissionStatistics,
  type Release,
} from "./admission-queue.ts";
import type { EngineData } from "./engine-worker.ts";
import { newFsyncCounts, readFsyncCounts } from "./fsync-counts.ts";
import { backoffMs, restartPolicy } from "./restart-policy.ts";
import { ENGINE_WORKER } from "./worker-files.ts";

export type OpenEngineError = EngineNotOpened | ClusterDamaged<Damage>;

/** The engine is no longer restarted: it failed too often, the files are damaged, or the runtime cannot replace it. */
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

export interface SupervisorStatistics {
  readonly restarts: number;
  readonly queue: AdmissionStatistics;
  readonly fsyncs: { readonly count: number; readonly ms: number };
}

/** Keeps an engine running: it restarts one that fails, which replays the write-ahead log. */
export interface Supervisor {
  /** Waits for the engine in the admission queue. Fails with `admission_rejected`. */
  acquire(request: AdmissionRequest): Promise<Result<EngineLease, AdmissionRejected>>;
  /** Whether an engine is running. */
  isServing(): boolean;
  /** Whether no request has the engine or waits for it. */
  isIdle(): boolean;
  /** The end of the write-ahead log after the last write or checkpoint. */
  position(): bigint;
  statistics(): SupervisorStatistics;
  /**
   * Restarts the engine between two requests, and returns whether a new engine runs. False if a request keeps the engine for too long,
   * or if the supervisor has given up.
   */
  restart(reason: string): Promise<boolean>;
  /** Calls the listener after each restart of the engine. Its statements on the new engine run before all requests. */
  onRestarted(listener: (engine: Engine) => void): void;
  /** Whether the first engine replayed the write-ahead log. */
  readonly hasRecovered: boolean;
  /** Settles when the supervisor has given up; never otherwise. */
  readonly gaveUp: Promise<EngineGaveUp>;
  /** Ends the engine like a crash. The files stay unchanged, and the next start checks them again. */
  kill(): Promise<void>;
  /** Serves the waiting requests, then shuts the engine down. No engine uses the files afterwards. Fails with `stop_unclean`. */
  close(): Promise<Result<void, StopUnclean>>;
}

export interface SupervisorOptions {
  readonly directory: string;
  readonly durability: EngineDurability;
  readonly space: DiskSpace;
  readonly schema: Pick<SchemaNeeds, "extensions" | "settings">;
  readonly onNotification?: (notification: Notification) => void;
  readonly log: Log;
}

/** An engine of average speed serves this many requests within the longest wait. More requests would time out. */
const QUEUE_LIMITS = { maxWaiting: 1000, maxWaitingBytes: 64 * 1_048_576, maxWaitMs: 5000, maxSharedHolders: 64 };

export async function superviseEngine(options: SupervisorOptions): Promise<Result<Supervisor, OpenEngineError>> {
  const supervisor = new EngineSupervisor(options, admissionQueue(QUEUE_LIMITS));
  return (await supervisor.start()).map(() => supervisor);
}

class EngineSupervisor implements Supervisor {
  readonly gaveUp: Promise<EngineGaveUp>;
  hasRecovered = false;
  readonly #options: SupervisorOptions;
  readonly #queue: AdmissionQueue;
  readonly #policy = restartPolicy();
  readonly #restartListeners: ((engine: Engine) => void)[] = [];
  #engine: Engine | null = null;
  #lastPosition = 0n;
  #restarts = 0;
  /** Every engine adds to it. */
  readonly #fsyncs = newFsyncCounts();
  readonly #closing = new AbortController();
  /** Settles when the last failed engine was replaced, or is not replaced. */
  #replacement: Promise<void> = Promise.resolve();
  #giveUp: (reason: EngineGaveUp) => void = () => {};

  constructor(options: SupervisorOptions, queue: AdmissionQueue) {
    this.#options = options;
    this.#queue = queue;
    this.gaveUp = new Promise((settle) => (this.#giveUp = settle));
  }

  async start(): Promise<Result<void, OpenEngineError>> {
    const opened = await this.#open();
    if (opened.isErr()) return err(opened.error);
    this.#engine = opened.value;
    this.hasRecovered = opened.value.hasRecovered;
    return ok();
  }

  async acquire(request: AdmissionRequest): Promise<Result<EngineLease, AdmissionRejected>> {
    for (let isRetry = request.isRetry ?? false; ; isRetry = true) {
      const admission = await this.#queue.acquire({ ...request, isRetry });
      if (admission.isErr()) return err(admission.error);
      const release = admission.value;
      if (this.#engine !== null) return ok({ engine: this.#engine, release });
      // The engine failed after the queue admitted the request and before this line ran.
      release();
    }
  }

  isIdle(): boolean {
    return this.#queue.isIdle();
  }

  statistics(): SupervisorStatistics {
    return { restarts: this.#restarts, queue: this.#queue.statistics(), fsyncs: readFsyncCounts(this.#fsyncs) };
  }

  onRestarted(listener: (engine: Engine) => void): void {
    this.#restartListeners.push(listener);
  }

  isServing(): boolean {
    return this.#engine !== null;
  }

  position(): bigint {
    return this.#engine?.position() ?? this.#lastPosition;
  }

  async restart(detail: string): Promise<boolean> {
    const admission = await this.#queue.acquire({ bytes: 0, mode: "exclusive", isRetry: true });
    if (admission.isErr()) return false;
    const release = admission.value;
    const engine = this.#engine;
    if (engine === null) release();
    else this.#replacement = this.#endAndReplace(engine, detail, release);
    await this.#replacement;
    return this.isServing();
  }

  async kill(): Promise<void> {
    this.#closing.abort();
    this.#queue.rejectAll();
    await this.#replacement;
    await this.#engine?.kill();
  }

  async close(): Promise<Result<void, StopUnclean>> {
    const { space } = this.#options;
    if (this.#engine === null) {
      this.#closing.abort();
      this.#queue.rejectAll();
    }
    await this.#queue.close();
    this.#closing.abort();
    await this.#replacement;
    if (this.#engine === null) return err({ kind: "stop_unclean", detail: "the engine had failed" });
    await space.refresh();
    if (space.isLow()) await space.releaseReserve();
    const closed = await this.#engine.close();
    if (closed.isErr()) return err({ kind: "stop_unclean", detail: closed.error.failure.detail });
    return closed.value.isShutDown ? ok() : err({ kind: "stop_unclean", detail: "its last checkpoint failed" });
  }

  async #open(): Promise<Result<Engine, OpenEngineError>> {
    const { space, directory, durability, schema, onNotification } = this.#options;
    await space.refresh();
    // An engine that starts on a full disk would fail at its first flush.
    if (space.isLow()) await space.releaseReserve();
    const { extensions, settings } = schema;
    const data: EngineData = { directory, durability, extensions, settings, fsyncs: this.#fsyncs };
    const onFailed = (failure: EngineFailed) => this.#onFailed(failure);
    const opened = await openEngine<Damage>({
      worker: ENGINE_WORKER,
      data,
      onFailed,
      ...(onNotification === undefined ? {} : { onNotification }),
    });
    if (opened.isOk()) this.#lastPosition = opened.value.position();
    return opened;
  }

  #onFailed(failure: EngineFailed): void {
    this.#engine = null;
    this.#queue.pause();
    const { reason, detail, lastLines } = failure;
    const event = CAN_END_WORKERS
      ? "engine failed: restarting"
      : "engine failed: it cannot be replaced on this runtime";
    this.#options.log.error({ reason, detail, lastLines }, event);
    this.#replacement = this.#replace(failure);
  }

  async #endAndReplace(engine: Engine, detail: string, release: Release): Promise<void> {
    this.#engine = null;
    this.#queue.pause();
    await engine.kill();
    this.#options.log.error({ detail }, "engine state differs from its files: restarting");
    release();
    await this.#replace({ kind: "engine_failed", reason: "stale_state", detail, lastLines: [] });
  }

  /** Opens another engine. A close ends the attempts. It waits for one that runs, because two engines would destroy the files. */
  async #replace(failure: EngineFailed): Promise<void> {
    if (!CAN_END_WORKERS) return this.#abandon(1, failure);
    const { log, space } = this.#options;
    const startedAt = performance.now();
    let cause: EngineGaveUp["cause"] = failure;
    const { signal } = this.#closing;
    for (let attempts = 0; !signal.aborted; attempts++) {
      // Without disk space or descriptors a start cannot succeed. They may become available again, so the supervisor
      // does not give up.
      const isShort = space.isLow() || !(await hasFreeDescriptors());
      const decision = isShort ? ({ kind: "wait", ms: backoffMs(attempts + 1) } as const) : this.#policy.afterFailure();
      if (decision.kind === "give_up") return this.#abandon(decision.failures, cause);
      await delay(decision.ms, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      // Node itself may exit when it has no descriptor for a new thread.
      if (!(await hasFreeDescriptors())) continue;
      const opened = await this.#open();
      if (opened.isOk()) {
        for (const listener of this.#restartListeners) listener(opened.value);
        this.#engine = opened.value;
        this.#restarts++;
        log.warn({ durationMs: Math.round(performance.now() - startedAt) }, "engine restarted");
        return this.#queue.resume();
      }
      cause = opened.error;
      if (cause.kind === "cluster_damaged") return this.#abandon(attempts + 1, cause);
      log.error({ detail: cause.detail, lastLines: cause.lastLines }, "engine does not start");
    }
  }

  #abandon(failures: number, cause: EngineGaveUp["cause"]): void {
    this.#queue.rejectAll();
    this.#giveUp({ kind: "engine_gave_up", failures, cause });
  }
}
