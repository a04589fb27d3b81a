import type { StorageStatistics } from "../storage/storage-statistics.ts";

/** The state and the counters that one scrape shows. */
export interface Snapshot {
  readonly storage: StorageStatistics;
  /** The requests that were refused because of the total load, or because of the load of their address. */
  readonly refused: { readonly server: number; readonly address: number };
  /** The time of the newest proven backup; `null` without one. */
  readonly lastProvenBackup: Date | null;
  /** The changed posts that the search index lacks, and for how long the oldest has waited. */
  readonly indexing: { readonly pending: number; readonly oldestWaitMs: number } | null;
}

/** Values with their labels. */
export type Samples = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: "gauge" | "counter";
  readonly labels?: readonly string[];
  readonly read: (snapshot: Snapshot) => Samples;
}
