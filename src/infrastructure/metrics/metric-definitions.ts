import type { EmbeddedStatistics, ServerStatistics, StorageStatistics } from "../storage/storage-statistics.ts";
import type { MetricDefinition, Samples, Snapshot } from "./metric-sources.ts";

const SECOND_MS = 1000;

const one = (value: number): Samples => [[{}, value]];

const embedded =
  (read: (statistics: EmbeddedStatistics) => Samples) =>
  ({ storage }: Snapshot): Samples =>
    storage.kind === "embedded" ? read(storage) : [];

const server =
  (read: (statistics: ServerStatistics) => Samples) =>
  ({ storage }: Snapshot): Samples =>
    storage.kind === "server" ? read(storage) : [];

const HTTP: readonly MetricDefinition[] = [
  {
    name: "quire_http_requests_refused_total",
    help: "Requests that load shedding has refused, because of the load of the server or of their address.",
    type: "counter",
    labels: ["reason"],
    read: ({ refused }) => Object.entries(refused).map(([reason, count]) => [{ reason }, count]),
  },
];

const ENGINE: readonly MetricDefinition[] = [
  {
    name: "quire_engine_up",
    help: "1 if the embedded PostgreSQL runs, 0 while it restarts.",
    type: "gauge",
    read: embedded(({ isServing }) => one(isServing ? 1 : 0)),
  },
  {
    name: "quire_engine_restarts_total",
    help: "Restarts of the embedded PostgreSQL after a failure.",
    type: "counter",
    read: embedded(({ restarts }) => one(restarts)),
  },
  {
    name: "quire_engine_queue_waiting",
    help: "Requests that wait for the embedded PostgreSQL.",
    type: "gauge",
    read: embedded(({ queue }) => one(queue.waiting)),
  },
  {
    name: "quire_engine_queue_oldest_wait_seconds",
    help: "How long the oldest waiting request has waited for the embedded PostgreSQL.",
    type: "gauge",
    read: embedded(({ queue }) => one(queue.oldestWaitMs / SECOND_MS)),
  },
  {
    name: "quire_engine_queue_rejected_total",
    help: "Requests that the admission queue has rejected.",
    type: "counter",
    labels: ["reason"],
    read: embedded(({ queue }) => Object.entries(queue.rejected).map(([reason, count]) => [{ reason }, count])),
  },
];

const WRITES: readonly MetricDefinition[] = [
  {
    name: "quire_engine_commits_total",
    help: "Transactions of group commit.",
    type: "counter",
    read: embedded(({ commits }) => one(commits.groups)),
  },
  {
    name: "quire_engine_commit_statements_total",
    help: "Statements in the transactions of group commit. Divided by the commits, it is the size of a batch.",
    type: "counter",
    read: embedded(({ commits }) => one(commits.statements)),
  },
  {
    name: "quire_engine_commit_seconds_total",
    help: "The time of the transactions of group commit.",
    type: "counter",
    read: embedded(({ commits }) => one(commits.ms / SECOND_MS)),
  },
  {
    name: "quire_engine_fsyncs_total",
    help: "Flushes of files to the disk.",
    type: "counter",
    read: embedded(({ fsyncs }) => one(fsyncs.count)),
  },
  {
    name: "quire_engine_fsync_seconds_total",
    help: "The time of the flushes.",
    type: "counter",
    read: embedded(({ fsyncs }) => one(fsyncs.ms / SECOND_MS)),
  },
  {
    name: "quire_engine_checkpoints_total",
    help: "Checkpoints, and whether they succeeded.",
    type: "counter",
    labels: ["outcome"],
    read: embedded(({ checkpoints: { count, failed } }) => [
      [{ outcome: "success" }, count - failed],
      [{ outcome: "failure" }, failed],
    ]),
  },
  {
    name: "quire_engine_checkpoint_seconds_total",
    help: "The time of the checkpoints.",
    type: "counter",
    read: embedded(({ checkpoints }) => one(checkpoints.ms / SECOND_MS)),
  },
];

const DISK: readonly MetricDefinition[] = [
  {
    name: "quire_wal_written_bytes_total",
    help: "The position of the end of the write-ahead log. Its growth is the volume of writes.",
    type: "counter",
    read: embedded(({ walPosition }) => one(Number(walPosition))),
  },
  {
    name: "quire_wal_size_bytes",
    help: "The size of the files of the write-ahead log.",
    type: "gauge",
    read: embedded(({ walBytes }) => one(walBytes)),
  },
  {
    name: "quire_disk_free_bytes",
    help: "The free space of the disk with the data directory.",
    type: "gauge",
    read: embedded(({ freeBytes }) => one(freeBytes)),
  },
  {
    name: "quire_cache_reads_total",
    help: "Reads of the cache of posts, pages of lists, searches, sessions or users. A miss is loaded from the database.",
    type: "counter",
    labels: ["cache", "result"],
    read: embedded(({ caches }) =>
      Object.entries(caches).flatMap(([cache, { hits, misses }]) => [
        [{ cache, result: "hit" }, hits] as const,
        [{ cache, result: "miss" }, misses] as const,
      ]),
    ),
  },
];

const BACKUP: readonly MetricDefinition[] = [
  {
    name: "quire_backup_last_proven_timestamp_seconds",
    help: "The Unix time of the newest proven backup, by a schedule or by hand. Absent without one.",
    type: "gauge",
    read: ({ lastProvenBackup }) => (lastProvenBackup === null ? [] : one(lastProvenBackup.getTime() / SECOND_MS)),
  },
];

const SEARCH: readonly MetricDefinition[] = [
  {
    name: "quire_search_index_pending_posts",
    help: "Changed posts that the search index lacks.",
    type: "gauge",
    read: ({ indexing }) => (indexing === null ? [] : one(indexing.pending)),
  },
  {
    name: "quire_search_index_oldest_wait_seconds",
    help: "How long the oldest changed post has waited for the search index.",
    type: "gauge",
    read: ({ indexing }) => (indexing === null ? [] : one(indexing.oldestWaitMs / SECOND_MS)),
  },
];

const SERVER: readonly MetricDefinition[] = [
  {
    name: "quire_pool_running",
    help: "Statements and transactions on the PostgreSQL server that run or wait for a connection.",
    type: "gauge",
    read: server(({ running }) => one(running)),
  },
  {
    name: "quire_pool_size",
    help: "The maximum number of connections to the PostgreSQL server.",
    type: "gauge",
    read: server(({ poolSize }) => one(poolSize)),
  },
  {
    name: "quire_replica_in_rotation",
    help: "1 if the replica answers reads, 0 if it lags or has failed.",
    type: "gauge",
    labels: ["replica"],
    read: server(({ replicas }) =>
      replicas.map(({ location, isInRotation }) => [{ replica: location }, isInRotation ? 1 : 0]),
    ),
  },
  {
    name: "quire_replica_lag_bytes",
    help: "The bytes of the write-ahead log that the replica had not replayed at its last check.",
    type: "gauge",
    labels: ["replica"],
    read: server(({ replicas }) =>
      replicas.flatMap(({ location, lagBytes }) => (lagBytes === null ? [] : [[{ replica: location }, lagBytes]])),
    ),
  },
];

const COMMON = [...HTTP, ...SEARCH];

/** The metrics of each kind of storage. The histogram of requests, and the metrics of Node, are elsewhere. */
export const METRICS: Readonly<Record<StorageStatistics["kind"], readonly MetricDefinition[]>> = {
  embedded: [...COMMON, ...ENGINE, ...WRITES, ...DISK, ...BACKUP],
  server: [...COMMON, ...SERVER],
};
