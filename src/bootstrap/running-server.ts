import { err, ok, safeTry, type Result } from "neverthrow";
import type { UseCases } from "../application/application.ts";
import type { Log } from "../application/ports/log.ts";
import type { StopUnclean } from "../application/ports/storage.ts";
import type { EnsureAdminError } from "../application/users/ensure-admin.ts";
import { parseUserName } from "../domain/user/user.ts";
import { ENGINE_DESCRIPTORS, maxConnections } from "../infrastructure/node/file-descriptors.ts";
import { swaggerUi } from "../infrastructure/node/swagger-ui.ts";
import { clientAddress, countedHosts, proxyList, requestAddress } from "../interfaces/node/client-address.ts";
import { onResponseClosed } from "../interfaces/node/disconnect.ts";
import { listen, type ListenFailed } from "../interfaces/node/http-server.ts";
import { loadShedding } from "../interfaces/node/load-shedding.ts";
import type { BackupSchedule } from "./background/backup-schedule.ts";
import { startBackups } from "./background/backups.ts";
import { backgroundWork } from "./background/background-work.ts";
import { compose } from "./compose.ts";
import type { Config } from "./config.ts";
import type { OpenedStorage, OpenStorageError } from "./open-storage.ts";
import { observers, openMetrics, openTracing } from "./telemetry.ts";
import { VERSION } from "./version.ts";

/** How long a shutdown waits for running requests. Orchestrators kill a process after 30 s (Kubernetes) or 10 s (Docker). */
const SHUTDOWN_GRACE_MS = 10_000;

/** The first admin may change it later. */
const FIRST_ADMIN_NAME = parseUserName("Admin").match(
  (name) => name,
  () => {
    throw new Error("The name of the first admin is no valid user name.");
  },
);

export type StorageLost = Awaited<OpenedStorage["gaveUp"]>;

export type ServeError = OpenStorageError | EnsureAdminError | ListenFailed;

export interface RunningServer {
  readonly url: string;
  /** The URL of the metrics; `null` without a port for them. */
  readonly metricsUrl: string | null;
  /** The location of the data: the data directory, or the URL of the database without its password. */
  readonly location: string;
  /** Resolves when this process has lost its storage for good; never otherwise. */
  readonly failed: Promise<StorageLost>;
  /** Shuts down gracefully: accepts no more connections, drains running requests and background work, closes the storage. */
  close(): Promise<Result<void, StopUnclean>>;
}

/** Serves the API on an open storage. If it fails, the storage is closed. */
export async function startServer(
  config: Config,
  storage: OpenedStorage,
  log: Log,
): Promise<Result<RunningServer, EnsureAdminError | ListenFailed>> {
  const started = await listenOn(config, storage, log);
  if (started.isOk()) return started;
  const closed = await storage.close();
  if (closed.isErr()) log.warn({ failure: closed.error }, "the storage was not closed cleanly after a failed start");
  return err(started.error);
}

function listenOn(config: Config, storage: OpenedStorage, log: Log) {
  return safeTry<RunningServer, EnsureAdminError | ListenFailed>(async function* () {
    const { sessionIdleMs, registration, http, trustedProxies, host, port, keepAliveMs } = config;
    const hostOf = countedHosts(proxyList(trustedProxies));
    const shedding = loadShedding(log);
    const work = backgroundWork(storage, log);
    let backups: BackupSchedule | null = null;
    const lastProvenBackup = async () => backups?.lastProven() ?? null;
    const metrics = await openMetrics(config, { storage, shedding, work, lastProvenBackup }, log);
    const tracing = await openTracing(log);
    const { app, useCases } = compose({
      ...work.storage,
      sessionIdleMs,
      registration,
      http,
      log,
      swaggerUi,
      clientAddress: clientAddress(hostOf),
      onDisconnect: onResponseClosed,
      load: shedding.load,
      ...observers(metrics, tracing),
    });
    yield* await ensureFirstAdmin(useCases, config, log);
    const metricsEndpoint = metrics === null ? null : yield* await metrics.listen();
    const listening = await listen({
      fetch: tracing === null ? app.fetch : tracing.traceRequests(app.fetch),
      host,
      port,
      maxConnections: maxConnections(databaseDescriptors(config)),
      log,
      keepAliveMs,
      addressOf: requestAddress(hostOf),
      logsClientAddress: http.logsClientAddress,
      shedding,
    });
    if (listening.isErr()) {
      await metricsEndpoint?.close(0);
      return err(listening.error);
    }
    const server = listening.value;
    const background = work.start(useCases);
    const { url } = server;
    const { location, beginBackup } = storage;
    if (beginBackup !== null) backups = await startBackups(config.backup, { location, beginBackup }, log);
    const metricsUrl = metricsEndpoint === null ? null : `${metricsEndpoint.url}/metrics`;
    log.info(
      { url, ...(metricsUrl === null ? {} : { metricsUrl }), location, pid: process.pid, version: VERSION },
      "listening",
    );
    return ok({
      url,
      metricsUrl,
      location,
      failed: storage.gaveUp,
      close: async () => {
        // Requests and background work use the storage, so it closes last.
        await Promise.all([server.close(SHUTDOWN_GRACE_MS), background.stop(), backups?.stop()]);
        await metricsEndpoint?.close(0);
        const closed = await storage.close();
        await tracing?.shutDown();
        return closed;
      },
    });
  });
}

/** File descriptors that the database needs. */
function databaseDescriptors({ database }: Config): number {
  return database === null ? ENGINE_DESCRIPTORS : database.poolSize * (1 + database.replicas.length);
}

async function ensureFirstAdmin(
  useCases: UseCases,
  { firstAdmin }: Config,
  log: Log,
): Promise<Result<void, EnsureAdminError>> {
  if (firstAdmin === null) return ok();
  const ensured = await useCases.ensureAdmin({ ...firstAdmin, name: FIRST_ADMIN_NAME });
  return ensured.map((admin) => {
    if (admin !== null) log.info({ userId: admin.id }, "created the first admin");
  });
}
