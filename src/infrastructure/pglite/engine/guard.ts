import type { Result } from "neverthrow";

/**
 * The host's own checks and records, which the engine calls in its Worker. PostgreSQL runs nothing meanwhile, so the
 * files of the cluster do not change under them.
 */
export interface EngineGuard<Damage> {
  /** Looks at the files before PostgreSQL opens them. It must write nothing. */
  check(): Result<ClusterState, Damage>;
  /** PostgreSQL is open. What this throws prevents the start. */
  opened(): void;
  /** All writes before `position` of the write-ahead log are flushed, and their clients are about to learn it. */
  acknowledged(position: bigint): void;
  /** All files are written and flushed. What this throws becomes a line of the engine's log. */
  checkpointed(): Promise<void>;
  /** PostgreSQL has ended. Gives whether it could write its shutdown checkpoint, which PGlite does not report. */
  closed(): Promise<ClusterState>;
}

export interface ClusterState {
  /** Whether the shutdown was clean. After an unclean one PostgreSQL replays its write-ahead log. */
  readonly isShutDown: boolean;
}
