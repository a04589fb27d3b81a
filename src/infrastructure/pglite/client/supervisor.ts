import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import { hasFreeDescriptors } from "../../node/file-descriptors.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import { openEngine, type Engine, type EngineFailed, type OpenEngineError } from "../engine/engine.ts";
import { admissionQueue, type TurnRequest, type AdmissionRefused } from "./admission-queue.ts";

/** The engine failed again and again, or its files were found damaged: there is none any more. */
export interface EngineGaveUp {
  readonly kind: "engine_gave_up";
  readonly failures: number;
  readonly cause: EngineFailed | OpenEngineError;
}

/** The engine did not shut down in order; the next start replays its write-ahead log. */
export interface StopUnclean {
  readonly kind: "stop_unclean";
  readonly detail: string;
}

/** The engine until `end`: for one's own use, or shared. */
export interface EngineTurn {
  readonly engine: Engine;
  readonly end: () => void;
}

/** Keeps an engine open: one that fails is replaced by another, which replays the write-ahead log. */
export interface Supervisor {
  /** Waits for the engine. Fails with `admission_refused`. */
  turn(asking: TurnRequest): Promise<Result<EngineTurn, AdmissionRefused>>;
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

/** As many as wait may be served within their age by an engine of average speed; more would only wait in vain. */
const QUEUE_LIMITS = { length: 1000, bytes: 64 * 1_048_576, ageMs: 5000, sharers: 64 };
const MAX_FAILURES = 8;
const FAILURES_WINDOW_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5000;

export async function superviseEngine(options: SupervisorOptions): Promise<Result<Supervisor, OpenEngineError>> {
  const { space, log, directory, cluster, durability } = options;
  const turns = admissionQueue(QUEUE_LIMITS);
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
    turns.pause();
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
        return turns.resume();
      }
      cause = opened.error;
      if (cause.kind === "cluster_damaged") return abandon({ kind: "engine_gave_up", failures, cause });
      log.error({ detail: cause.detail, lastWords: cause.lastWords }, "the engine does not open");
    }
  };

  const abandon = (reason: EngineGaveUp) => {
    turns.abandon();
    giveUp(reason);
  };

  const first = await open();
  if (first.isErr()) return err(first.error);
  engine = first.value;

  return ok({
    turn: async (asking) => {
      for (let isFirst = asking.isFirst ?? false; ; isFirst = true) {
        const taken = await turns.take({ ...asking, isFirst });
        if (taken.isErr()) return err(taken.error);
        if (engine !== null) return ok({ engine, end: taken.value });
        // The engine failed between the beginning of this turn and its being heard of here.
        taken.value();
      }
    },
    isServing: () => engine !== null,
    position: () => engine?.position() ?? position,
    renew: async (detail) => {
      const turn = await turns.take({ bytes: 0, isShared: false, isFirst: true });
      if (turn.isErr()) return;
      const outOfStep = engine;
      if (outOfStep !== null) {
        engine = null;
        turns.pause();
        await outOfStep.kill();
        log.error({ detail }, "the engine and its files disagree: it is replaced");
      }
      turn.value();
      if (outOfStep !== null) await replace({ kind: "engine_failed", reason: "out_of_step", detail, lastWords: [] });
    },
    recovered: first.value.recovered,
    gaveUp,
    kill: async () => {
      isClosing = true;
      turns.abandon();
      await engine?.kill();
    },
    close: async () => {
      if (engine === null) turns.abandon();
      await turns.close();
      isClosing = true;
      if (engine === null) return err({ kind: "stop_unclean", detail: "the engine had failed" });
      if (space.isLow()) space.releaseReserve();
      const closed = await engine.close();
      if (closed.isErr()) return err({ kind: "stop_unclean", detail: closed.error.failure.detail });
      return closed.value.isShutDown ? ok() : err({ kind: "stop_unclean", detail: "its last checkpoint failed" });
    },
  });
}
