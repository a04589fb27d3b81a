import { ok, type Result } from "neverthrow";
import * as z from "zod";
import { fail } from "../domain/shared/fail.ts";
import { LOG_LEVELS, type LogLevel } from "../infrastructure/node/pino-log.ts";
import {
  accountConfig,
  AccountVariables,
  missingAdminVariable,
  type AccountConfig,
} from "./config/account-variables.ts";
import { backupConfig, BackupVariables, type BackupConfig } from "./config/backup-variables.ts";
import { databaseConfig, DatabaseVariables, type DatabaseConfig } from "./config/database-variables.ts";
import { readEnvFile } from "./config/env-file.ts";
import { HttpVariables, serverConfig, type ServerConfig } from "./config/http-variables.ts";
import { metricsConfig, MetricsVariables, type MetricsConfig } from "./config/metrics-variables.ts";
import { misspeltVariables } from "./config/misspelt-variables.ts";
import { storageConfig, StorageVariables, type StorageConfig } from "./config/storage-variables.ts";

export interface Config extends ServerConfig, StorageConfig, AccountConfig {
  /** The PostgreSQL server to use; `null` for the embedded one. */
  readonly database: DatabaseConfig | null;
  readonly backup: BackupConfig;
  readonly logLevel: LogLevel;
  /** Where the metrics are served; `null` for nowhere. */
  readonly metrics: MetricsConfig | null;
}

/** All problems of the configuration together, without the values, which may be secrets. */
export interface ConfigInvalid {
  readonly kind: "config_invalid";
  readonly problems: readonly ConfigProblem[];
}

export interface ConfigProblem {
  /** The variable, or the line of the env file. */
  readonly variable: string;
  readonly detail: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

const DEFAULT_LOG_LEVEL: LogLevel = "info";

const Environment = z
  .object({
    ...HttpVariables.shape,
    ...StorageVariables.shape,
    ...DatabaseVariables.shape,
    ...AccountVariables.shape,
    ...MetricsVariables.shape,
    ...BackupVariables.shape,
    QUIRE_LOG_LEVEL: z
      .enum(LOG_LEVELS, { error: `must be one of ${LOG_LEVELS.join(", ")}` })
      .default(DEFAULT_LOG_LEVEL),
  })
  .check((context) => {
    const issue = (variable: string, message: string) =>
      context.issues.push({ code: "custom", message, path: [variable], input: undefined });
    const admin = missingAdminVariable(context.value);
    if (admin !== null) issue(admin.missing, `is missing, but ${admin.given} is set; the first admin needs both`);
    const { QUIRE_BACKUP_SCHEDULE: schedule, QUIRE_BACKUP_TO: to, DATABASE_URL: server } = context.value;
    if (schedule === undefined) return;
    if (to === undefined) issue("QUIRE_BACKUP_TO", "is missing, but QUIRE_BACKUP_SCHEDULE is set");
    if (server !== undefined) {
      issue("QUIRE_BACKUP_SCHEDULE", "is for the embedded database only. Schedule pg_dump for a PostgreSQL server.");
    }
  });

/** Every variable of the configuration. */
export const CONFIG_VARIABLES: readonly string[] = Object.keys(Environment.shape);

/** Variables that only the command line reads. */
const COMMAND_LINE_VARIABLES = ["QUIRE_MOVE_FROM", "QUIRE_MOVE_TO"];

const KNOWN_VARIABLES = [...CONFIG_VARIABLES, ...COMMAND_LINE_VARIABLES];

/** Reads the configuration from environment variables. An empty variable counts as unset. Fails with `config_invalid`. */
export function readConfig(environment: Variables): Result<Config, ConfigInvalid> {
  const set = Object.fromEntries(Object.entries(environment).filter(([, raw]) => raw !== "" && raw !== undefined));
  const read = Environment.safeParse(set);
  const misspelt = misspeltVariables(Object.keys(set), KNOWN_VARIABLES).map(({ variable, nearest }) => ({
    variable,
    detail: `is not a variable of Quire. ${nearest === null ? "Remove it." : `Did you mean ${nearest}?`}`,
  }));
  if (!read.success || misspelt.length > 0) {
    const issues = read.error?.issues ?? [];
    const invalid = issues.map(({ path: [variable], message }) => ({ variable: String(variable), detail: message }));
    return fail({ kind: "config_invalid", problems: [...invalid, ...misspelt] });
  }
  return ok({
    ...serverConfig(read.data),
    ...storageConfig(read.data),
    ...accountConfig(read.data),
    database: databaseConfig(read.data),
    backup: backupConfig(read.data),
    logLevel: read.data.QUIRE_LOG_LEVEL,
    metrics: metricsConfig(read.data),
  });
}

const ENV_FILE = ".env";

/**
 * Reads the configuration from the environment and from a file `.env` in the working directory, if there is one. Variables
 * of the environment take precedence; those of the file are added to it. Fails with `config_invalid`.
 *
 * @param overrides Variables that take precedence over both; an empty one unsets.
 */
export function loadConfig(overrides: Variables = {}): Result<Config, ConfigInvalid> {
  const fileProblems = addEnvFile();
  const read = readConfig({ ...process.env, ...overrides });
  if (read.isOk() && fileProblems.length === 0) return read;
  return fail({ kind: "config_invalid", problems: [...fileProblems, ...(read.isErr() ? read.error.problems : [])] });
}

/** Adds the variables of the file to the environment. Returns the problems of the file. */
function addEnvFile(): readonly ConfigProblem[] {
  const read = readEnvFile(ENV_FILE);
  if (read.isErr()) return [{ variable: ENV_FILE, detail: `cannot be read: ${read.error.detail}` }];
  for (const [name, raw] of read.value?.variables ?? []) process.env[name] ??= raw;
  const problems = read.value?.problems ?? [];
  return problems.map(({ line, detail }) => ({ variable: `${ENV_FILE}, line ${line},`, detail }));
}
