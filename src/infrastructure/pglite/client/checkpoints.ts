import { ok, type Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { Engine, RequestLost } from "../engine/engine.ts";
import type { DatabaseError } from "../engine/wire-protocol.ts";
import type { LogRetention } from "./log-retention.ts";
import type { Supervisor } from "./supervisor.ts";
import { waitForIdle } from "./wait-for-idle.ts";

/** Runs a task while it holds the engine alone. Returns the reason of its failure, or `null`. */
export type RunTask = (task: EngineTask) => Promise<string | null>;

export type EngineTask = (engine: Engine) => Promise<Result<DatabaseError | null, RequestLost>>;

export interface CheckpointStatistics {
  count: number;
  failed: number;
  ms: number;
}

interface CheckpointOptions {
  readonly supervisor: Supervisor;
  readonly retention: LogRetention;
  readonly log: Log;
}

/** The delay of the next attempt after a failed checkpoint, which is logged each time. */
const RETRY_MS = 10_000;
/** The growth of the log for which a backup postpones the checkpoint. Crash recovery then takes some tens of seconds. */
const MAX_RETAINED_BYTES = 1024n * 1_048_576n;

function noteCheckpoint(checkpoints: CheckpointStatistics, ms: number, failure: string | null, log: Log): void {
  checkpoints.count++;
  checkpoints.ms += ms;
  if (failure === null) return log.debug({ durationMs: Math.round(ms) }, "checkpoint");
  checkpoints.failed++;
  log.error({ detail: failure }, "checkpoint failed");
}

export function checkpointTasks({ supervisor, retention, log }: CheckpointOptions, runTask: RunTask) {
  let [checkpointAt, checkpointTime] = [supervisor.position(), performance.now()];
  let retryAt = -Infinity;
  const checkpoints = { count: 0, failed: 0, ms: 0 };
  const bytesSinceCheckpoint = () => supervisor.position() - checkpointAt;

  /**
   * A checkpoint removes the log that a backup still has to copy. One that is only due waits for the end of the backup and for an idle
   * engine. One that is necessary ends the backup. Returns whether a checkpoint was written.
   */
  const runCheckpoint = async (reason: "due" | "necessary"): Promise<boolean> => {
    const mustWait = () => reason === "due" && retention.isHeld() && bytesSinceCheckpoint() < MAX_RETAINED_BYTES;
    let isPostponed = mustWait();
    if (isPostponed) return false;
    if (reason === "due") await waitForIdle(supervisor);
    const startedAt = performance.now();
    const failure = await runTask(async (engine) => {
      // A backup may have begun while this task waited for the engine.
      isPostponed = mustWait();
      if (isPostponed) return ok(null);
      retention.end("a checkpoint was necessary, because the log had grown too long or the disk was full");
      return engine.checkpoint();
    });
    if (isPostponed) return false;
    const endedAt = performance.now();
    noteCheckpoint(checkpoints, endedAt - startedAt, failure, log);
    if (failure === null) [checkpointAt, checkpointTime] = [supervisor.position(), endedAt];
    else retryAt = endedAt + RETRY_MS;
    return failure === null;
  };

  return {
    checkpoint: async () => runCheckpoint("necessary"),
    dueCheckpoint: async () => runCheckpoint("due"),
    checkpoints: () => ({ ...checkpoints }),
    /** Whether enough time has passed since a failed checkpoint. */
    canCheckpoint: () => performance.now() >= retryAt,
    bytesSinceCheckpoint,
    msSinceCheckpoint: () => performance.now() - checkpointTime,
  };
}
