import { err, ok, type Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { Durability, StorageStatus } from "../../application/ports/storage-probe.ts";
import type { StopUnclean } from "../../application/ports/storage.ts";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import { missingDescriptors } from "../node/file-descriptors.ts";
import { claimDataDirectory, type ClaimedDirectory, type ClaimError } from "./directory/claim.ts";
import { damaged, prepareCluster, type ClusterError } from "./directory/cluster.ts";
import { watchDirectory, type DataDirectoryGone } from "./directory/directory-watch.ts";
import { diskSpace, type DiskSpace } from "./directory/disk-space.ts";
import { UPKEEP_DEADLINE_MS } from "./engine/engine.ts";
import { engineClient, type DrizzleClient } from "./client/client.ts";
import { checkIndexes, isCheckDue, noteCheckDue, noteChecked } from "./integrity/index-check.ts";
import { forgetRelationFiles } from "./integrity/relation-files.ts";
import { superviseEngine, type EngineGaveUp, type Supervisor } from "./client/supervisor.ts";
import { startUpkeep } from "./client/upkeep.ts";
import type { DatabaseError } from "./engine/wire-protocol.ts";
import { writeHealth } from "./client/write-health.ts";

/** PostgreSQL in this process, on a data directory that no other process has. */
export interface EmbeddedPostgres {
  /** The absolute path of its data directory. */
  readonly directory: string;
  readonly client: DrizzleClient;
  /** The same for changes of posts that make none longer, which it makes while little space is free too. */
  readonly shorteningClient: DrizzleClient;
  readonly space: Pick<DiskSpace, "isLow" | "tooSmallToMigrate">;
  /** What can be asked of it now. Fails with `storage_corrupt` once it has met damage, or `storage_unavailable`. */
  readonly condition: () => Result<StorageStatus, StorageFailure>;
  /** Runs a change of the schema, which alone may make files smaller or remove them. */
  readonly changeSchema: (change: () => Promise<void>) => Promise<void>;
  /** Settles when the database is lost to this process; never otherwise. */
  readonly gaveUp: Promise<EngineGaveUp | DataDirectoryGone>;
  /** Ends the engine after what it is doing, and lets the data directory go. Fails with `stop_unclean`. */
  readonly close: () => Promise<Result<void, StopUnclean>>;
}

export type OpenEmbeddedPostgresError = ClaimError | ClusterError;

export interface EmbeddedPostgresOptions {
  /** Where the data is, claimed already or not. */
  readonly directory: ClaimedDirectory | string;
  readonly durability: Exclude<Durability, "none">;
  /** How many bytes must be free on the disk for a write. */
  readonly freeSpaceBytes: number;
  /** How long a statement may take, and a transaction may hold the engine, in milliseconds. */
  readonly statementDeadlineMs: number;
  readonly log: Log;
}

export async function openEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<Result<EmbeddedPostgres, OpenEmbeddedPostgresError>> {
  const claimed = typeof options.directory === "string" ? claimDataDirectory(options.directory) : ok(options.directory);
  if (claimed.isErr()) return err(claimed.error);
  const { directory, release } = claimed.value;
  try {
    const opened = await openClaimed({ ...options, directory }, release);
    if (opened.isErr()) release();
    return opened;
  } catch (cause) {
    release();
    return fail({ kind: "data_directory_unusable", directory, cause });
  }
}

/** The options with the directory's absolute path. */
interface OpenOptions extends EmbeddedPostgresOptions {
  readonly directory: string;
}

async function openClaimed(
  options: OpenOptions,
  release: () => void,
): Promise<Result<EmbeddedPostgres, OpenEmbeddedPostgresError>> {
  const { directory, durability, log } = options;
  const space = diskSpace({ directory, watermarkBytes: options.freeSpaceBytes, log });
  const cluster = await prepareCluster(directory, log, options.freeSpaceBytes);
  if (cluster.isErr()) return err(cluster.error);
  if (durability === "relaxed") log.warn({ durability }, "a power cut may take back writes or damage the database");
  const missing = missingDescriptors();
  if (missing !== null) log.warn(missing, "the limit of open files (ulimit -n) allows few clients at a time");
  const supervised = await superviseEngine({ directory, cluster: cluster.value, durability, space, log });
  if (supervised.isErr()) {
    const failure = supervised.error;
    if (failure.kind === "cluster_damaged") return damaged(directory, failure.damage);
    return fail({ ...failure, kind: "engine_not_started", directory });
  }
  return startOn(supervised.value, space, options, release);
}

async function startOn(
  supervisor: Supervisor,
  space: DiskSpace,
  { directory, durability, statementDeadlineMs, log }: OpenOptions,
  release: () => void,
): Promise<Result<EmbeddedPostgres, OpenEmbeddedPostgresError>> {
  let damage: DatabaseError | null = null;
  const onDamage = (error: DatabaseError) => {
    if (damage !== null) return;
    damage = error;
    const { code, message } = error;
    log.error({ directory, sqlState: code, detail: message }, "the database is damaged: from now on it is only read");
  };
  const isDamaged = () => damage !== null;
  // Before requests are served, and while the schema is changed, a statement may take as long as it needs.
  let isServing = false;
  const deadlineMs = () => (isServing ? statementDeadlineMs : UPKEEP_DEADLINE_MS);
  const writes = writeHealth({ directory, renewEngine: async (reason) => supervisor.renew(reason), log });
  const clientOptions = { supervisor, space, writes, onDamage, isDamaged, deadlineMs };
  const client = engineClient(clientOptions);

  if (supervisor.recovered || isCheckDue(directory)) {
    const checked = await checkAfterRecovery(client, space, directory, log);
    if (checked.isErr()) {
      await supervisor.kill();
      return err(checked.error);
    }
  }
  isServing = true;
  space.secureReserve();
  const upkeep = startUpkeep({ directory, supervisor, client, space, onDamage, isDamaged, writes, log });
  const watch = watchDirectory(directory);

  return ok({
    directory,
    client,
    shorteningClient: engineClient({ ...clientOptions, shortens: true }),
    space,
    condition: () => {
      const failure = { kind: "storage_failure", isTransient: false, operation: "probe.check" } as const;
      if (damage !== null) return fail({ ...failure, reason: "corrupt", cause: { message: damage.message } });
      if (!supervisor.isServing()) {
        return fail({ ...failure, reason: "unavailable", cause: { message: "The engine is being replaced." } });
      }
      return ok({ durability, writable: writes.failure() === null && !space.isLow() });
    },
    changeSchema: async (change) => {
      isServing = false;
      forgetRelationFiles(directory);
      await change().finally(() => {
        isServing = true;
      });
      await upkeep.checkpoint();
    },
    gaveUp: Promise.race([supervisor.gaveUp, watch.gone]),
    close: async () => {
      watch.stop();
      await upkeep.stop();
      return supervisor.close().finally(release);
    },
  });
}

/** Checks the indexes once the log was replayed. Fails with `data_directory_damaged` or `engine_not_started`. */
async function checkAfterRecovery(
  client: DrizzleClient,
  space: DiskSpace,
  directory: string,
  log: Log,
): Promise<Result<void, ClusterError>> {
  if (space.isLow()) {
    noteCheckDue(directory);
    log.warn({ directory }, "the disk is full: the indexes are checked at the next start with space");
    return ok();
  }
  const startedAt = performance.now();
  const indexes = await checkIndexes(client);
  if (indexes.isErr()) {
    const { error } = indexes;
    if (error.kind === "index_damaged") return damaged(directory, error);
    return fail({ kind: "engine_not_started", directory, detail: error.detail, lastWords: [] });
  }
  noteChecked(directory);
  const checkedMs = Math.round(performance.now() - startedAt);
  log.info({ directory, checkedMs }, "the last stop was not in order: the log was replayed, the indexes are checked");
  return ok();
}
