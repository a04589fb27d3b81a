import type { Result } from "neverthrow";

/**
 * The host's own checks and records. The engine calls them in its Worker while PostgreSQL is idle, so the files of the
 * cluster do not change in the meantime, except where a method says so.
 */
export interface EngineGuard<Damage> {
  /** Checks the files before PostgreSQL opens them. It must write nothing. */
  check(): Result<ClusterState, Damage>;
  /** PostgreSQL is open. An exception prevents the start. */
  opened(): void;
  /** All writes before `position` of the write-ahead log are flushed, and are about to be acknowledged. */
  acknowledged(position: bigint): void;
  /**
   * All files are written and flushed. It reads the files before it returns the promise, because statements run while the promise is
   * pending. An exception becomes a line of the engine's log.
   *
   * @param flushed The files that PostgreSQL has flushed since the last call, by their path in the cluster with `/` as separator.
   * `null`: they are not known, because nothing is flushed.
   */
  checkpointed(flushed: ReadonlySet<string> | null): Promise<void>;
  /** Files may be truncated, replaced or removed next. No `checkpointed` is pending. An exception ends the engine. */
  beforeFileRemoval(): Promise<void>;
  /** PostgreSQL has ended. Returns whether it wrote its shutdown checkpoint, which PGlite does not report. */
  closed(): Promise<ClusterState>;
}

export interface ClusterState {
  /** Whether the shutdown was clean. After an unclean one PostgreSQL replays its write-ahead log. */
  readonly isShutDown: boolean;
}
