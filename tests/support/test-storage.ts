import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import type { Result } from "neverthrow";
import { inject } from "vitest";
import type { StorageFailureReason } from "../../src/domain/shared/storage-failure.ts";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { openEmbeddedDatabase } from "../../src/infrastructure/pglite/embedded-database.ts";
import { SCHEMA_SETTINGS, SCHEMA_EXTENSIONS } from "./quire-engine.ts";
import { QUIRE_SCHEMA } from "../../src/infrastructure/pglite/quire-schema.ts";
import { embeddedStorage, migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { startParameters } from "../../src/infrastructure/pglite/engine/start-parameters.ts";
import { migrateServer, type PostgresOptions } from "../../src/infrastructure/postgresql/migrate-server.ts";
import type { ServerStorage } from "../../src/infrastructure/postgresql/ports-on.ts";
import { openPostgresStorage } from "../../src/infrastructure/postgresql/postgres-storage.ts";
import { checkMigratedServer, openRequestStorage } from "../../src/infrastructure/postgresql/request-storage.ts";
import { serverClient } from "../../src/infrastructure/postgresql/client/client.ts";
import { parseServerUrl, type ServerUrl } from "../../src/infrastructure/postgresql/client/server-url.ts";
import { cachePosts } from "../../src/infrastructure/storage/post-cache.ts";
import { cacheSessions } from "../../src/infrastructure/storage/session-cache.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";
import { indexedBeforeSearch } from "../../src/testing/indexed-before-search.ts";
import type { StorageUnderTest, TestStorageOptions } from "../../src/contracts/storage-under-test.ts";

const NO_QUOTA: TestStorageOptions = { accountQuotaBytes: 0 };

const TABLES = ["idempotency_keys", "sessions", "post_search", "posts", "users", "account_usage"];
const TRUNCATE_TABLES = `truncate ${TABLES.join(", ")}`;
const DELETE_ROWS = `do $$ begin ${TABLES.map((table) => `delete from ${table};`).join(" ")} end $$`;

/** The calls after which the tables are truncated. Deleted rows stay in the files of a table, and slow its scans down. */
const DELETES_PER_TRUNCATE = 50;

/** A function that empties the tables. To truncate them takes thirty times as long as to delete a few rows. */
export function emptyingWith(run: (statement: string) => Promise<unknown>): () => Promise<void> {
  let calls = 0;
  return async () => void (await run(calls++ % DELETES_PER_TRUNCATE === 0 ? TRUNCATE_TABLES : DELETE_ROWS));
}

export const memory: StorageUnderTest = {
  name: "memory",
  capabilities: {
    abortsFailedTransactions: false,
    serialisesUnits: true,
    blocksOuterReads: true,
    durability: "none",
  },
  open: async (options = NO_QUOTA) => ({ empty: async () => openMemoryStorage(options), close: async () => {} }),
};

export const pglite: StorageUnderTest = {
  name: "PGlite",
  capabilities: {
    abortsFailedTransactions: true,
    serialisesUnits: true,
    blocksOuterReads: true,
    durability: "relaxed",
  },
  open: async (quota = NO_QUOTA) => {
    const directory = await copyTemplate();
    let engine = await openEngine(directory, quota);
    const emptyTables = emptyingWith(async (statement) => engine.client.query(statement));
    return {
      empty: async () => {
        await emptyTables();
        return engine.storage();
      },
      reopen: async () => {
        (await engine.close())._unsafeUnwrap();
        engine = await openEngine(directory, quota);
        return engine.storage();
      },
      failWrites: async (reason) => {
        for (const statement of failureOfWrites(reason)) await engine.client.query(statement);
      },
      close: async () => {
        await engine.close();
        await rm(directory, { recursive: true });
      },
    };
  },
};

/** The storage on the embedded engine, and the client of the engine for the tests. */
async function openEngine(directory: string, quota: TestStorageOptions) {
  // The fault tests prove durability. Without fsync these tests take a fifth of the time.
  const options = { ...embeddedDefaults, directory, durability: "relaxed" } as const;
  const postgres = (await openEmbeddedDatabase(options))._unsafeUnwrap();
  const { client, close } = postgres;
  const migrated = (await migratedStorage(client, MIGRATIONS_FOLDER, quota))._unsafeUnwrap();
  const caching = {
    maxBytes: embeddedDefaults.cacheBytes,
    onDatabaseRestarted: postgres.onRestarted,
    onIndexWrite: migrated.searchIndex.onWrite,
  };
  const storage = () => {
    const cached = cacheSessions(cachePosts(embeddedStorage(postgres, migrated), caching));
    return indexedBeforeSearch(cached, migrated.searchIndex);
  };
  return { client, close, storage };
}

/** A SQLSTATE of PostgreSQL or its driver for each reason (PostgreSQL 18, Appendix A). */
const SQLSTATES: Readonly<Record<Exclude<StorageFailureReason, "cancelled">, string>> = {
  unavailable: "57P03",
  full: "53100",
  corrupt: "XX001",
  busy: "40001",
  outcome_unknown: "08007",
};

/** The statements that make every write to every table fail. */
function failureOfWrites(reason: keyof typeof SQLSTATES): readonly string[] {
  const trigger = (table: string) =>
    `create trigger fails before insert or update or delete on ${table} for each statement execute function fail()`;
  return [
    `create function fail() returns trigger language plpgsql as
     $$ begin raise exception 'A failure on purpose.' using errcode = '${SQLSTATES[reason]}'; end $$`,
    ...["users", "posts", "sessions", "idempotency_keys"].map(trigger),
  ];
}

export const postgresql: StorageUnderTest = onServer("PostgreSQL");

/** The storage of a request of a worker. It has one connection, so nothing runs beside a unit of work. */
export const postgresqlPerRequest: StorageUnderTest = {
  ...onServer("PostgreSQL with one connection", "", openForRequest),
  capabilities: { ...postgresql.capabilities, serialisesUnits: true, blocksOuterReads: true },
};

/** Migrates the database as the Node server does, and opens it as a worker does. */
async function openForRequest(options: PostgresOptions) {
  const { shipped: needed } = (await migrateServer(options))._unsafeUnwrap();
  const request = { ...options, poolSize: 1, needed };
  return (await checkMigratedServer(request)).map((checked) => openRequestStorage(request, checked));
}

/** The storage on a database of a server that is created with these options, such as its locale. */
export function onServer(
  name: string,
  databaseOptions = "",
  open: (options: PostgresOptions) => Promise<Result<ServerStorage, unknown>> = openPostgresStorage,
): StorageUnderTest {
  return {
    name,
    capabilities: {
      abortsFailedTransactions: true,
      serialisesUnits: false,
      blocksOuterReads: false,
      durability: "relaxed",
    },
    open: async (quota = NO_QUOTA) => {
      const server = await createDatabase(HOSTILE_SETTINGS, databaseOptions);
      const openStorage = async () => {
        const opened = (await open({ ...serverDefaults, ...quota, server }))._unsafeUnwrap();
        return indexedBeforeSearch(opened, opened.searchIndex);
      };
      let storage = await openStorage();
      const client = serverClient({ ...serverDefaults, server, poolSize: 1 });
      const emptyTables = emptyingWith(async (statement) => client.unsafe(statement));
      return {
        empty: async () => {
          await emptyTables();
          return storage;
        },
        reopen: async () => {
          (await storage.close())._unsafeUnwrap();
          storage = await openStorage();
          return storage;
        },
        failWrites: async (reason) => {
          for (const statement of failureOfWrites(reason)) await client.unsafe(statement);
        },
        close: async () => {
          await client.end(1000);
          (await storage.close())._unsafeUnwrap();
        },
      };
    },
  };
}

/** The default options of a server on PostgreSQL, except for its log. */
export const serverDefaults = {
  migrator: null,
  replicas: [],
  poolSize: 10,
  connectTimeoutMs: 5000,
  idleTimeoutMs: 300_000,
  statementTimeoutMs: 30_000,
  lockTimeoutMs: 10_000,
  startTimeoutMs: 60_000,
  preparesStatements: true,
  setsTimeouts: true,
  accountQuotaBytes: 0,
  migrations: MIGRATIONS_FOLDER,
  log: recordingLog(),
} as const;

/** Settings of a database, each of which changes the meaning of a statement or the format of a value. */
const HOSTILE_SETTINGS = [
  "datestyle = 'SQL, DMY'",
  "intervalstyle = 'sql_standard'",
  "timezone = 'Asia/Kathmandu'",
  "client_encoding = 'LATIN1'",
  "default_transaction_isolation = 'serializable'",
  "search_path = nowhere, pg_temp",
  "standard_conforming_strings = off",
  "bytea_output = 'escape'",
  "extra_float_digits = -15",
  "array_nulls = off",
  "transform_null_equals = on",
];

/** Creates an empty database with its own settings, and options such as its encoding. */
export async function createDatabase(settings: readonly string[] = [], options = ""): Promise<ServerUrl> {
  const server = inject("postgresServer");
  const name = `quire_${crypto.randomUUID().replaceAll("-", "")}`;
  const client = serverClient({ ...serverDefaults, server: parseServerUrl(`${server}/postgres`)._unsafeUnwrap() });
  await client.unsafe(`create database ${name} ${options}`);
  for (const setting of settings) await client.unsafe(`alter database ${name} set ${setting}`);
  await client.end(1000);
  return parseServerUrl(`${server}/${name}`)._unsafeUnwrap();
}

/** The URL of a database that {@link createDatabase} has made, for another process. */
export function databaseUrl({ database }: ServerUrl): string {
  return `${inject("postgresServer")}/${database}`;
}

/** The default options of a server on the embedded PostgreSQL, except for its log. */
export const embeddedDefaults = {
  durability: "fsync",
  freeSpaceBytes: 64 * 1_048_576,
  statementDeadlineMs: 30_000,
  accountQuotaBytes: 0,
  cacheBytes: 64 * 1_048_576,
  schema: QUIRE_SCHEMA,
  log: recordingLog(),
} as const;

/** A new data directory with a migrated, empty PostgreSQL. */
export async function copyTemplate(): Promise<string> {
  return copyOf(inject("dataDirectoryTemplate"));
}

/** Copies a data directory with the system's own tool, which is fastest. */
async function copyOf(original: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "quire-test-"));
  await promisify(execFile)("cp", ["-R", `${original}/.`, directory]);
  return directory;
}

/** PGlite as shipped, on a migrated, empty PostgreSQL. */
export async function openTemplate(): Promise<PGlite> {
  return openCluster(await copyTemplate());
}

export interface FilledCluster {
  /** Opens PGlite on a new copy. */
  open(): Promise<PGlite>;
  /** Removes the cluster and all copies. */
  remove(): Promise<void>;
}

/** Fills a migrated PostgreSQL once for all engines of a test. A copy takes a tenth of the time of filling it again. */
export async function fillCluster(statements: string): Promise<FilledCluster> {
  const directory = await copyTemplate();
  const directories = [directory];
  const engine = await openCluster(directory);
  await engine.exec(statements);
  await engine.close();
  return {
    open: async () => {
      const copy = await copyOf(directory);
      directories.push(copy);
      return openCluster(copy);
    },
    remove: async () => void (await Promise.all(directories.map(async (each) => rm(each, { recursive: true })))),
  };
}

async function openCluster(directory: string): Promise<PGlite> {
  const fs = new NodeFS(join(directory, "cluster"));
  return PGlite.create({ fs, extensions: SCHEMA_EXTENSIONS, startParams: startParameters("relaxed", SCHEMA_SETTINGS) });
}
