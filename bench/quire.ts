import { fileURLToPath } from "node:url";
import { MIGRATIONS_FOLDER } from "../src/bootstrap/open-storage.ts";
import { compose } from "../src/bootstrap/compose.ts";
import { readConfig } from "../src/bootstrap/config.ts";
import { nullLog } from "../src/infrastructure/node/null-log.ts";
import { QUIRE_SCHEMA } from "../src/infrastructure/pglite/quire-schema.ts";
import { openEmbeddedDatabase } from "../src/infrastructure/pglite/embedded-database.ts";
import { embeddedStorage, migratedStorage } from "../src/infrastructure/pglite/storage.ts";
import { migrateServer, type PostgresOptions } from "../src/infrastructure/postgresql/migrate-server.ts";
import { openPostgresStorage } from "../src/infrastructure/postgresql/postgres-storage.ts";
import { cachePosts } from "../src/infrastructure/storage/post-cache.ts";
import { cacheSessions } from "../src/infrastructure/storage/session-cache.ts";
import { QUIRE_API } from "./api.ts";
import { DATA_SET, fillTables } from "./data-set.ts";
import type { Contender } from "./server.ts";

const SCRIPT = fileURLToPath(new URL("../dist/main.js", import.meta.url));
/** All requests come from one address, so the limits are off. */
const UNLIMITED = { QUIRE_RATE_LIMIT_PER_MINUTE: "0", QUIRE_LOGIN_LIMIT_PER_MINUTE: "0" };
/** The bound on the cache, to measure Quire without it too. */
const CACHE_MIB = process.env["BENCH_CACHE_MIB"] ?? "64";
const MIB = 1_048_576;

/** Quire on a data directory, as `npm start` runs it. */
export function quireOn(name: string, directory: string, durability: "fsync" | "relaxed"): Contender {
  const environment = {
    PORT: "0",
    QUIRE_DATA_DIR: directory,
    QUIRE_DURABILITY: durability,
    QUIRE_CACHE_MIB: CACHE_MIB,
    QUIRE_LOG_LEVEL: "warn",
    ...UNLIMITED,
  };
  return { name, script: SCRIPT, environment, api: QUIRE_API };
}

/** Quire on a PostgreSQL server. Each process has ten connections, as the other contenders have. */
export function quireOnServer(name: string, url: string, processes: number): Contender {
  const environment = { PORT: "0", DATABASE_URL: url, QUIRE_LOG_LEVEL: "warn", ...UNLIMITED };
  return { name, script: SCRIPT, environment, api: QUIRE_API, processes };
}

/** Creates Quire's tables in an empty database. */
export async function makeServerTables(url: string): Promise<void> {
  (await migrateServer(serverOptions(url)))._unsafeUnwrap();
}

/** Indexes the posts of a filled database for searches. */
export async function indexServer(url: string): Promise<void> {
  const storage = (await openPostgresStorage(serverOptions(url)))._unsafeUnwrap();
  (await storage.searchIndex.sweep())._unsafeUnwrap();
  (await storage.close())._unsafeUnwrap();
}

function serverOptions(url: string): PostgresOptions {
  const { database, statementDeadlineMs } = readConfig({ DATABASE_URL: url })._unsafeUnwrap();
  if (database === null) throw new Error("The URL names no server.");
  return {
    ...database,
    statementTimeoutMs: statementDeadlineMs,
    accountQuotaBytes: 0,
    migrations: MIGRATIONS_FOLDER,
    log: nullLog,
  };
}

/** Opens the adapters on a data directory without a server. */
export async function openQuire(directory: string) {
  const options = { directory, freeSpaceBytes: 64 * MIB, statementDeadlineMs: 60_000, log: nullLog };
  const postgres = (
    await openEmbeddedDatabase({ ...options, schema: QUIRE_SCHEMA, durability: "relaxed" })
  )._unsafeUnwrap();
  const { client, changeSchema, onRestarted } = postgres;
  const migrated = (await migratedStorage(client, MIGRATIONS_FOLDER, { changeSchema }))._unsafeUnwrap();
  const caching = {
    maxBytes: 64 * MIB,
    onDatabaseRestarted: onRestarted,
    onIndexWrite: migrated.searchIndex.onWrite,
  };
  return {
    client,
    searchIndex: migrated.searchIndex,
    storage: cacheSessions(cachePosts(embeddedStorage(postgres, migrated), caching)),
    close: async () => (await postgres.close())._unsafeUnwrap(),
  };
}

/** All of Quire on a data directory, except the HTTP server. */
export async function openApp(directory: string) {
  const opened = await openQuire(directory);
  const { storage } = opened;
  const { http } = readConfig({ QUIRE_RATE_LIMIT_PER_MINUTE: "1000000" })._unsafeUnwrap();
  return { ...opened, ...compose({ ...storage, http }) };
}

/** Creates a data directory with this many posts. */
export async function fillQuire(directory: string, posts = DATA_SET.posts): Promise<void> {
  const { client, close } = await openQuire(directory);
  await fillTables(async (text, values = []) => client.query(text, values), { posts, hasTitleKeys: true });
  await close();
}

/** Indexes the posts of a filled data directory for searches. */
export async function indexQuire(directory: string): Promise<void> {
  const { client, searchIndex, close } = await openQuire(directory);
  (await searchIndex.sweep())._unsafeUnwrap();
  await client.query("checkpoint");
  await client.query("vacuum analyze");
  await close();
}
