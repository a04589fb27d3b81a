import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { drizzle, type PgliteDatabase } from "drizzle-orm/pglite";
import { migrate } from "drizzle-orm/pglite/migrator";
import { err, ok, type Result } from "neverthrow";
import type { StorageProbe } from "../../application/ports/storage-probe.ts";
import type { Repositories, UnitOfWork } from "../../application/ports/unit-of-work.ts";
import { fail } from "../../domain/fail.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import { drizzleStorageProbe } from "../drizzle/drizzle-storage-probe.ts";
import { drizzleRepositories, drizzleUnitOfWork } from "../drizzle/drizzle-unit-of-work.ts";
import {
  appliedMigrations,
  pendingMigrations,
  readMigrations,
  type Migration,
  type MigrationDrift,
  type MigrationsUnreadable,
} from "../drizzle/migrations.ts";
import { prepareCluster, recogniseDirectory, type ClusterError } from "./cluster.ts";
import { lockDataDirectory, type DataDirectoryInUse, type DataDirectoryLock } from "./data-directory-lock.ts";
import { DurableNodeFs } from "./durable-node-fs.ts";

export interface PgliteStorage extends Repositories {
  readonly unitOfWork: UnitOfWork;
  readonly probe: StorageProbe;
  /** Ends the engine after what it is doing, and lets the data directory go. */
  close(): Promise<void>;
}

/** The directory cannot be made or read, or the engine in it does not start. */
export interface EngineFailed {
  readonly kind: "engine_failed";
  readonly directory: string;
  readonly cause: unknown;
}

export type MigrateError = MigrationsUnreadable | MigrationDrift | StorageFailure;

export type OpenPgliteError = DataDirectoryInUse | ClusterError | EngineFailed | MigrateError;

interface PgliteOptions {
  /** Where the data is; it is made when it does not exist. */
  readonly directory: string;
  /** Where drizzle-kit has written the migrations. */
  readonly migrations: string;
}

/** Opens the embedded PostgreSQL on a directory that no other process has, and brings its schema up to date. */
export async function openPgliteStorage(options: PgliteOptions): Promise<Result<PgliteStorage, OpenPgliteError>> {
  const directory = resolve(options.directory);
  let lock: DataDirectoryLock | null = null;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const recognised = recogniseDirectory(directory);
    if (recognised.isErr()) return err(recognised.error);
    const locked = lockDataDirectory(directory);
    if (locked.isErr()) return err(locked.error);
    lock = locked.value;
    const storage = await openLocked(directory, lock, options.migrations);
    if (storage.isErr()) lock.release();
    return storage;
  } catch (cause) {
    lock?.release();
    return fail({ kind: "engine_failed", directory, cause });
  }
}

async function openLocked(
  directory: string,
  lock: DataDirectoryLock,
  migrationsFolder: string,
): Promise<Result<PgliteStorage, ClusterError | MigrateError>> {
  const cluster = await prepareCluster(directory);
  if (cluster.isErr()) return err(cluster.error);
  const engine = await openEngine(cluster.value);
  const storage = await migratedStorage(engine, migrationsFolder).catch(async (thrown: unknown) => {
    await engine.close();
    throw thrown;
  });
  if (storage.isErr()) {
    await engine.close();
    return err(storage.error);
  }
  return ok({ ...storage.value, close: async () => engine.close().finally(() => lock.release()) });
}

/** The adapters on a database of the embedded engine, with every migration applied. */
export async function migratedStorage(
  engine: PGlite,
  migrationsFolder: string,
): Promise<Result<Omit<PgliteStorage, "close">, MigrateError>> {
  const db = drizzle({ client: engine });
  const shipped = await applyMigrations(db, migrationsFolder);
  return shipped.map((migrations) => ({
    ...drizzleRepositories(db),
    unitOfWork: drizzleUnitOfWork(db),
    probe: drizzleStorageProbe(db, migrations),
  }));
}

async function applyMigrations(
  db: PgliteDatabase,
  migrationsFolder: string,
): Promise<Result<readonly Migration[], MigrateError>> {
  const shipped = await readMigrations(migrationsFolder);
  if (shipped.isErr()) return err(shipped.error);
  const applied = await appliedMigrations(db);
  if (applied.isErr()) return err(applied.error);
  const pending = pendingMigrations(shipped.value, applied.value);
  if (pending.isErr()) return err(pending.error);
  if (pending.value.length > 0) await migrate(db, { migrationsFolder });
  return ok(shipped.value);
}

async function openEngine(cluster: string): Promise<PGlite> {
  // PGlite passes -F, which is fsync=off; wal_sync_method's default, fdatasync, does nothing in it.
  const startParams = [
    ...PGlite.defaultStartParams.filter((parameter) => parameter !== "-F"),
    "-c",
    "wal_sync_method=fsync",
  ];
  return PGlite.create({ fs: new DurableNodeFs(cluster), startParams });
}
