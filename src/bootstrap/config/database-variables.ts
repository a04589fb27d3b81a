import * as z from "zod";
import type { ServerUrl } from "../../infrastructure/postgresql/client/server-url.ts";
import { DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_LOCK_TIMEOUT_MS } from "../default-settings.ts";
import { onOrOff, serverUrl, serverUrls, wholeNumber } from "./variable-values.ts";

const DEFAULT_POOL_SIZE = 10;
const DEFAULT_IDLE_TIMEOUT_MS = 300_000;
const DEFAULT_START_TIMEOUT_MS = 60_000;

export interface DatabaseConfig {
  readonly server: ServerUrl;
  /** The role that migrates the schema, if the role of the server may not. */
  readonly migrator: ServerUrl | null;
  /** Standbys of the server, which answer reads. */
  readonly replicas: readonly ServerUrl[];
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly preparesStatements: boolean;
  readonly setsTimeouts: boolean;
}

export const DatabaseVariables = z.object({
  DATABASE_URL: serverUrl.optional(),
  DATABASE_MIGRATION_URL: serverUrl.optional(),
  DATABASE_REPLICA_URLS: serverUrls.default([]),
  DATABASE_POOL_SIZE: wholeNumber(1, 1000).default(DEFAULT_POOL_SIZE),
  DATABASE_CONNECT_TIMEOUT_MS: wholeNumber(100, 600_000).default(DEFAULT_CONNECT_TIMEOUT_MS),
  DATABASE_IDLE_TIMEOUT_MS: wholeNumber(1000, 86_400_000).default(DEFAULT_IDLE_TIMEOUT_MS),
  DATABASE_LOCK_TIMEOUT_MS: wholeNumber(100, 600_000).default(DEFAULT_LOCK_TIMEOUT_MS),
  DATABASE_START_TIMEOUT_MS: wholeNumber(0, 3_600_000).default(DEFAULT_START_TIMEOUT_MS),
  DATABASE_PREPARED_STATEMENTS: onOrOff.default(true),
  DATABASE_SESSION_TIMEOUTS: onOrOff.default(true),
});

export function databaseConfig(variables: z.infer<typeof DatabaseVariables>): DatabaseConfig | null {
  if (variables.DATABASE_URL === undefined) return null;
  return {
    server: variables.DATABASE_URL,
    migrator: variables.DATABASE_MIGRATION_URL ?? null,
    replicas: variables.DATABASE_REPLICA_URLS,
    poolSize: variables.DATABASE_POOL_SIZE,
    connectTimeoutMs: variables.DATABASE_CONNECT_TIMEOUT_MS,
    idleTimeoutMs: variables.DATABASE_IDLE_TIMEOUT_MS,
    lockTimeoutMs: variables.DATABASE_LOCK_TIMEOUT_MS,
    startTimeoutMs: variables.DATABASE_START_TIMEOUT_MS,
    preparesStatements: variables.DATABASE_PREPARED_STATEMENTS,
    setsTimeouts: variables.DATABASE_SESSION_TIMEOUTS,
  };
}
