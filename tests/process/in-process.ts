import type { SearchIndex } from "../../src/infrastructure/drizzle/search/search-index.ts";
import { ok, type Result } from "neverthrow";
import { readConfig, type Config } from "../../src/bootstrap/config.ts";
import type { Storage } from "../../src/application/ports/storage.ts";
import { startServer, type RunningServer } from "../../src/bootstrap/running-server.ts";
import { serve } from "../../src/bootstrap/serve.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";

type Environment = Readonly<Record<string, string>>;

/** All requests of a test come from one address, so the limits are off. */
const UNLIMITED = { QUIRE_RATE_LIMIT_PER_MINUTE: "0", QUIRE_LOGIN_LIMIT_PER_MINUTE: "0" };

export interface ServerInProcess {
  readonly url: string;
  /** The URL of the metrics, if the environment has a port for them. */
  readonly metricsUrl: string | null;
  readonly log: ReturnType<typeof recordingLog>;
  /** Shuts the server down gracefully; throws if that fails. */
  stop(): Promise<void>;
}

/** Starts a server on a data directory in this process, on a free port unless the environment names one. */
export async function tryServe(dataDirectory: string, environment: Environment = {}) {
  return observed({ QUIRE_DATA_DIR: dataDirectory, ...environment }, serve);
}

export async function serveInProcess(dataDirectory: string, environment: Environment = {}): Promise<ServerInProcess> {
  return (await tryServe(dataDirectory, environment))._unsafeUnwrap();
}

/** Starts a server in this process on an open storage, which stays open when the server stops. */
export async function serveOn(opened: Storage, environment: Environment = {}): Promise<ServerInProcess> {
  const storage = {
    ...opened,
    // A storage of tests does not flush, which would change the health check.
    probe: { check: async () => ok({ durability: "fsync", writable: true } as const) },
    renewTitleKeys: async () => ok(0),
    searchIndex: NO_INDEX,
    isIdle: () => true,
    statistics: async () => ({ kind: "server", running: 0, poolSize: 1, replicas: [] }) as const,
    beginBackup: null,
    location: "a storage of a test",
    gaveUp: new Promise<never>(() => {}),
    close: async () => ok(),
  };
  const started = await observed(environment, async (config, log) => startServer(config, storage, log));
  return started._unsafeUnwrap();
}

/** A storage of a test brings its index up to date itself. */
const NO_INDEX: SearchIndex = {
  index: async () => ok({ indexed: 0, left: [] }),
  sweep: async () => ok(0),
};

async function observed<Failure>(
  environment: Environment,
  start: (config: Config, log: ReturnType<typeof recordingLog>) => Promise<Result<RunningServer, Failure>>,
): Promise<Result<ServerInProcess, Failure>> {
  const log = recordingLog();
  const config = readConfig({ PORT: "0", ...UNLIMITED, ...environment })._unsafeUnwrap();
  const started = await start(config, log);
  return started.map((server) => ({
    url: server.url,
    metricsUrl: server.metricsUrl,
    log,
    stop: async () => (await server.close())._unsafeUnwrap(),
  }));
}
