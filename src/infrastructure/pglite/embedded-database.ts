import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { StorageStatus } from "../../application/ports/storage-probe.ts";
import type { StopUnclean } from "../../application/ports/storage.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { EngineStatistics } from "../storage/storage-statistics.ts";
import { missingDescriptors } from "../node/file-descriptors.ts";
import { engineClient, type DrizzleClient, type EngineClient } from "./client/client.ts";
import type { SchemaNeeds } from "./client/schema-needs.ts";
import { subscribeAgain, subscriptions, type Subscriptions } from "./client/subscriptions.ts";
import { superviseEngine, type EngineGaveUp, type Supervisor } from "./client/supervisor.ts";
import { baseBackups, type BeginBaseBackup } from "./client/base-backup.ts";
import { logRetention } from "./client/log-retention.ts";
import { startUpkeep } from "./client/upkeep.ts";
import { writeCircuitBreaker } from "./client/write-circuit-breaker.ts";
import { claimDataDirectory, type ClaimedDirectory, type ClaimError } from "./directory/claim.ts";
import { damaged, prepareCluster, type ClusterError } from "./directory/cluster.ts";
import { diskSpace, type DiskSpace } from "./directory/disk-space.ts";
import { isIndexCheckDue, markIndexCheckDue, markIndexesChecked } from "./directory/index-check-marker.ts";
import { detectRemoval, type DataDirectoryGone } from "./directory/removal-detector.ts";
import { UPKEEP_DEADLINE_MS } from "./engine/engine.ts";
import type { EngineDurability } from "./engine/node-fs.ts";
import { engineStatistics } from "./engine-statistics.ts";
import type { DatabaseError } from "./engine/wire-protocol.ts";
import { checkIndexes } from "./integrity/index-check.ts";
import { undoUnlessOk } from "./undo-unless-ok.ts";

/** PostgreSQL inside this process, on a data directory that no other process uses. */
export interface EmbeddedDatabase {
  /** The absolute path of the data directory. */
  readonly directory: string;
  readonly client: EngineClient;
  /** A client for updates that do not lengthen a post. It runs them on a low disk too. */
  readonly shorteningClient: DrizzleClient;
  readonly space: Pick<DiskSpace, "isLow" | "tooSmallToMigrate">;
  /** The current state. Fails with `corrupt` once it has reported damage, and with `unavailable` during an engine restart. */
  readonly condition: () => Result<StorageStatus, StorageFailure>;
  /** Whether no request has the engine or waits for it. */
  readonly isIdle: () => boolean;
  /** Calls the listener after each restart of the engine, before a statement uses the new engine. */
  readonly onRestarted: (listener: () => void) => void;
  /** Begins a backup of the cluster's files while statements continue to run. */
  readonly beginBackup: BeginBaseBackup;
  /** Runs a change of the schema. Its statements have no time limit, and a checkpoint follows. */
  readonly changeSchema: (change: () => Promise<void>) => Promise<void>;
  readonly statistics: () => Promise<EngineStatistics>;
  /** Settles when this process has lost the database; never otherwise. */
  readonly gaveUp: Promise<EngineGaveUp | DataDirectoryGone>;
  /** Shuts the engine down after its current work, and unlocks the data directory. Fails with `stop_unclean`. */
  readonly close: () => Promise<Result<void, StopUnclean>>;
}

export type OpenEmbeddedDatabaseError = ClaimError | ClusterError;

export interface EmbeddedDatabaseOptions {
  /** The data directory, or a claim of it. */
  readonly directory: ClaimedDirectory | string;
  readonly durability: EngineDurability;
  /** The bytes that must be free on the disk for a write. */
  readonly freeSpaceBytes: number;
  /** The time limits of a statement, and of a transaction that holds the engine. */
  readonly statementDeadlineMs: number;
  readonly schema: SchemaNeeds;
  readonly log: Log;
}

/** Claims the data directory, prepares the cluster, starts the engine, and checks the indexes after crash recovery. */
export async function openEmbeddedDatabase(
  options: EmbeddedDatabaseOptions,
): Promise<Result<EmbeddedDatabase, OpenEmbeddedDatabaseError>> {
  const claimed =
    typeof options.directory === "string" ? await claimDataDirectory(options.directory) : ok(options.directory);
  if (claimed.isErr()) return err(claimed.error);
  const { directory, release } = claimed.value;
  let space: DiskSpace | null = null;
  const cleanUp = () => {
    space?.stop();
    release();
  };
  try {
    space = diskSpace({ directory, watermarkBytes: options.freeSpaceBytes, log: options.log });
    const opened = await openClaimed({ ...options, directory, space, cleanUp });
    if (opened.isErr()) cleanUp();
    return opened;
  } catch (cause) {
    cleanUp();
    return fail({ kind: "data_directory_unusable", directory, cause });
  }
}

interface OpenOptions extends EmbeddedDatabaseOptions {
  /** The absolute path. */
  readonly directory: string;
  readonly space: DiskSpace;
  readonly cleanUp: () => void;
}

async function openClaimed(options: OpenOptions): Promise<Result<EmbeddedDatabase, OpenEmbeddedDatabaseError>> {
  const { directory, durability, freeSpaceBytes, space, schema, log } = options;
  const cluster = await prepareCluster(directory, log, freeSpaceBytes);
  if (cluster.isErr()) return err(cluster.error);
  if (durability === "relaxed") log.warn({ durability }, "a power cut may undo writes or damage the database");
  const missing = missingDescriptors();
  if (missing !== null) log.warn(missing, "the limit of open files (ulimit -n) allows few clients at a time");
  const channels = subscriptions(log);
  const onNotification = channels.deliver;
  const supervised = await superviseEngine({ directory, durability, space, schema, onNotification, log });
  if (supervised.isErr()) {
    const failure = supervised.error;
    if (failure.kind === "cluster_damaged") return damaged(directory, failure.damage);
    return fail({ ...failure, kind: "engine_not_started", directory });
  }
  const supervisor = supervised.value;
  // The caller releases the lock of the directory after a failure, so no engine may be left.
  return undoUnlessOk(
    async () => serveOn(supervisor, channels, options),
    async () => supervisor.kill(),
  );
}

async function serveOn(
  supervisor: Supervisor,
  channels: Subscriptions,
  { directory, durability, statementDeadlineMs, space, schema, log, cleanUp }: OpenOptions,
): Promise<Result<EmbeddedDatabase, OpenEmbeddedDatabaseError>> {
  const damage = damageReport(directory, log);
  // Before the server is ready and during a change of the schema, statements have no time limit.
  let isServing = false;
  const deadlineMs = () => (isServing ? statementDeadlineMs : UPKEEP_DEADLINE_MS);
  const breaker = writeCircuitBreaker({ directory, restartEngine: async (reason) => supervisor.restart(reason), log });
  const shared = { supervisor, space, breaker, onDamage: damage.report, isDamaged: () => damage.first() !== null };
  const commits = { groups: 0, statements: 0, ms: 0 };
  const clientOptions = {
    ...shared,
    commits,
    subscriptions: channels,
    isAllowedOnLowDisk: schema.isAllowedOnLowDisk,
    deadlineMs,
  };
  const client = engineClient(clientOptions);
  supervisor.onRestarted((engine) => void subscribeAgain(channels, engine, log));

  if (supervisor.hasRecovered || isIndexCheckDue(directory)) {
    const checked = await checkAfterRecovery(client, space, directory, log);
    if (checked.isErr()) return err(checked.error);
  }
  const removal = detectRemoval(directory);
  isServing = true;
  await space.secureReserve();
  const retention = logRetention();
  // Crash recovery ends with a checkpoint.
  supervisor.onRestarted(() => retention.end("the engine was restarted"));
  const upkeep = startUpkeep({ ...shared, retention, directory, client, log });
  let closing: Promise<Result<void, StopUnclean>> | null = null;
  const close = async () => {
    removal.stop();
    retention.end("the database was closed");
    await upkeep.stop();
    return supervisor.close().finally(cleanUp);
  };

  return ok({
    directory,
    client,
    shorteningClient: engineClient({ ...clientOptions, isShortening: true }),
    space,
    isIdle: () => supervisor.isIdle(),
    beginBackup: baseBackups({ ...shared, retention, directory }),
    onRestarted: (listener) => supervisor.onRestarted(() => listener()),
    condition: () => {
      const failed = failedCondition(damage.first(), supervisor);
      return failed === null ? ok({ durability, writable: breaker.failure() === null && !space.isLow() }) : err(failed);
    },
    changeSchema: async (change) => {
      isServing = false;
      await change().finally(() => {
        isServing = true;
      });
      await upkeep.checkpoint();
    },
    statistics: async () => engineStatistics({ directory, supervisor, commits, upkeep, space }),
    gaveUp: Promise.race([supervisor.gaveUp, removal.gone]),
    close: async () => (closing ??= close()),
  });
}

/** Why the database cannot be used now; `null` if it can. */
function failedCondition(damage: DatabaseError | null, supervisor: Supervisor): StorageFailure | null {
  const failure = { kind: "storage_failure", isTransient: false, operation: "probe.check" } as const;
  if (damage !== null) return { ...failure, reason: "corrupt", cause: { message: damage.message } };
  if (supervisor.isServing()) return null;
  return { ...failure, reason: "unavailable", cause: { message: "The engine is restarting." } };
}

/** Keeps the first error that reported damaged files, and logs it. */
function damageReport(directory: string, log: Log) {
  let first: DatabaseError | null = null;
  return {
    first: () => first,
    report: (error: DatabaseError) => {
      if (first !== null) return;
      first = error;
      const { code, message } = error;
      log.error({ directory, sqlState: code, detail: message }, "database damaged: read-only from now on");
    },
  };
}

/** Checks the indexes after crash recovery. Fails with `data_directory_damaged` or `engine_not_started`. */
async function checkAfterRecovery(
  client: DrizzleClient,
  space: DiskSpace,
  directory: string,
  log: Log,
): Promise<Result<void, ClusterError>> {
  if (space.isLow()) {
    try {
      await markIndexCheckDue(directory);
      log.warn({ directory }, "disk full: the index check waits for the next start with free space");
    } catch (cause) {
      log.warn({ directory, error: cause }, "disk full: the indexes are not checked; run quire verify");
    }
    return ok();
  }
  const startedAt = performance.now();
  const indexes = await checkIndexes(client);
  if (indexes.isErr()) {
    const { error } = indexes;
    if (error.kind === "index_damaged") return damaged(directory, error);
    return fail({ kind: "engine_not_started", directory, detail: error.detail, lastLines: [] });
  }
  await markIndexesChecked(directory);
  const checkedMs = Math.round(performance.now() - startedAt);
  log.info({ directory, checkedMs }, "unclean shutdown: write-ahead log replayed, indexes checked");
  return ok();
}
