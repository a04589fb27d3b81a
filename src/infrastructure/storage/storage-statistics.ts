import type { CacheCounts } from "./cache-counts.ts";

/** The state of a storage, and its counters since the start. Metrics show them. All times are in milliseconds. */
export type StorageStatistics = EmbeddedStatistics | ServerStatistics;

export interface EmbeddedStatistics extends EngineStatistics {
  readonly kind: "embedded";
  readonly caches: CacheCounts;
}

export interface EngineStatistics {
  readonly isServing: boolean;
  readonly restarts: number;
  readonly queue: {
    readonly waiting: number;
    /** How long the oldest waiting request has waited; 0 if none waits. */
    readonly oldestWaitMs: number;
    readonly rejected: Readonly<Record<string, number>>;
  };
  /** The transactions of group commit, and the statements in them. */
  readonly commits: { readonly groups: number; readonly statements: number; readonly ms: number };
  readonly fsyncs: { readonly count: number; readonly ms: number };
  readonly checkpoints: { readonly count: number; readonly failed: number; readonly ms: number };
  /** The end of the write-ahead log. */
  readonly walPosition: bigint;
  /** The size of the files of the write-ahead log. */
  readonly walBytes: number;
  /** The free bytes of the disk. */
  readonly freeBytes: number;
}

export interface ServerStatistics {
  readonly kind: "server";
  /** The statements and transactions that run now or wait for a connection. */
  readonly running: number;
  readonly poolSize: number;
  readonly replicas: readonly ReplicaStatistics[];
}

export interface ReplicaStatistics {
  readonly location: string;
  readonly isInRotation: boolean;
  /** The bytes of the write-ahead log that the replica had not replayed at the last check; `null` if unknown. */
  readonly lagBytes: number | null;
}
