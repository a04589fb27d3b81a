import { ok, safeTry, type Result } from "neverthrow";
import type { NeededMigration } from "../../infrastructure/drizzle/migrations.ts";
import type { CheckedServer } from "../../infrastructure/postgresql/check-server.ts";
import type { ServerOptions } from "../../infrastructure/postgresql/client/client.ts";
import { parseServerUrl } from "../../infrastructure/postgresql/client/server-url.ts";
import { connectOnWorker } from "../../infrastructure/postgresql/client/worker-connection.ts";
import {
  checkMigratedServer,
  openRequestStorage,
  type CheckMigratedServerError,
  type RequestStorageOptions,
} from "../../infrastructure/postgresql/request-storage.ts";
import type { OpenWorkerError, WorkerMisconfigured } from "../../interfaces/edge/worker-handler.ts";
import {
  DEFAULT_ACCOUNT_QUOTA_MIB,
  DEFAULT_CONNECT_TIMEOUT_MS,
  DEFAULT_LOCK_TIMEOUT_MS,
  DEFAULT_STATEMENT_TIMEOUT_MS,
  MIB,
} from "../default-settings.ts";
import type { OpenWorkerStorage, WorkerStorage } from "./worker-storage.ts";

/** The defaults are those of the server. */
export interface PostgresPerRequestOptions<Env> extends Partial<
  Pick<
    RequestStorageOptions,
    | "connectTimeoutMs"
    | "statementTimeoutMs"
    | "lockTimeoutMs"
    | "preparesStatements"
    | "setsTimeouts"
    | "accountQuotaBytes"
  >
> {
  /** The URL of the database, as in `DATABASE_URL`, from the bindings of the worker. */
  readonly url: (env: Env) => string;
}

/** A request has one connection. It closes it, so the idle time does not matter. */
const ONE_CONNECTION = { poolSize: 1, idleTimeoutMs: DEFAULT_STATEMENT_TIMEOUT_MS, connect: connectOnWorker };

const DEFAULTS: Omit<RequestStorageOptions, "server" | "log" | "needed"> = {
  ...ONE_CONNECTION,
  connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
  statementTimeoutMs: DEFAULT_STATEMENT_TIMEOUT_MS,
  lockTimeoutMs: DEFAULT_LOCK_TIMEOUT_MS,
  preparesStatements: true,
  setsTimeouts: true,
  accountQuotaBytes: DEFAULT_ACCOUNT_QUOTA_MIB * MIB,
};

/**
 * Opens the storage on a PostgreSQL server for each request. A worker has no files, so it applies no migration: the first request
 * checks that all of them are applied.
 *
 * @param needed The migrations of this program.
 */
export function postgresPerRequest<Env>(
  { url, ...given }: PostgresPerRequestOptions<Env>,
  needed: readonly NeededMigration[],
): OpenWorkerStorage<Env> {
  let checked: CheckedServer | undefined;
  return async (env, log) =>
    safeTry<WorkerStorage, OpenWorkerError>(async function* () {
      const server = yield* readUrl(url(env));
      const options = { ...DEFAULTS, ...given, needed, server, log };
      checked ??= yield* (await checkMigratedServer(options)).mapErr(openingError);
      return ok(openRequestStorage(options, checked));
    });
}

function readUrl(url: unknown): Result<ServerOptions["server"], WorkerMisconfigured> {
  const parsed = parseServerUrl(typeof url === "string" ? url : "");
  return parsed.mapErr(({ detail }) => ({ kind: "worker_misconfigured", detail: `The URL of the database ${detail}` }));
}

function openingError(error: CheckMigratedServerError): OpenWorkerError {
  if (error.kind !== "database_unsuitable") return error;
  return { kind: "worker_misconfigured", detail: error.detail };
}
