import { ok, type Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import type { UseCases } from "../application/application.ts";
import type { EnsureAdminError } from "../application/users/ensure-admin.ts";
import { compose, nodeAdapters } from "./compose.ts";
import type { Config } from "./config.ts";
import type { UserName } from "../domain/user/user.ts";
import { startExpiryPurge } from "./expiry-purge.ts";
import { ENGINE_DESCRIPTORS, maxConnections } from "../infrastructure/node/file-descriptors.ts";
import { clientAddress, countedHosts, proxyList, requestAddress } from "../interfaces/node/client-address.ts";
import { listen } from "../interfaces/node/http-server.ts";
import { loadShedding } from "../interfaces/node/load-shedding.ts";
import type { openStorage } from "./open-storage.ts";
import { startRemovals } from "./removal-work.ts";
import { EXIT } from "./exit-codes.ts";
import { exitWith } from "./process-failure.ts";
import { startTitleKeyRenewal } from "./title-key-renewal.ts";
import { VERSION } from "./version.ts";
import { warmUp } from "./warm-up.ts";

const SHUTDOWN_GRACE_MS = 10_000;
/** Nobody wants to read of requests that nobody made. */
const NO_LOG: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Listens once the storage is open; gives what stops it in order, and ends the process where something fails. */
export async function serve(
  config: Config,
  opening: ReturnType<typeof openStorage>,
  log: Log,
): Promise<(signal: NodeJS.Signals) => void> {
  const storage = await opening;
  if (storage.isErr()) return exitWith(storage.error);
  void storage.value.gaveUp.then(exitWith);
  const { sessionIdleMs, registration, http, trustedProxies } = config;
  const hostOf = countedHosts(proxyList(trustedProxies));
  const shedding = loadShedding(log);
  const adapters = {
    ...nodeAdapters,
    ...storage.value,
    sessionIdleMs,
    registration,
    http,
    clientAddress: clientAddress(hostOf),
    load: shedding.load,
  };
  const { app, useCases } = compose({ ...adapters, log });
  const admin = await ensureFirstAdmin(useCases, config, log);
  if (admin.isErr()) {
    await storage.value.close();
    return exitWith(admin.error);
  }
  await warmUp(compose({ ...adapters, log: NO_LOG }).app.request);
  const server = await listen({
    fetch: app.fetch,
    host: config.host,
    port: config.port,
    maxConnections: maxConnections(databaseDescriptors(config)),
    log,
    keepAliveMs: config.keepAliveMs,
    addressOf: requestAddress(hostOf),
    shedding,
  });
  if (server.isErr()) {
    await storage.value.close();
    return exitWith(server.error);
  }
  const purge = startExpiryPurge(useCases, log);
  const removals = startRemovals(useCases, log);
  const renewal = startTitleKeyRenewal(storage.value.renewTitleKeys, log);

  const stopInOrder = async (signal: NodeJS.Signals) => {
    log.info({ signal }, "stopping");
    // Whoever uses the storage ends before it does.
    await Promise.all([server.value.close(SHUTDOWN_GRACE_MS), purge.stop(), removals.stop(), renewal.stop()]);
    const closed = await storage.value.close();
    if (closed.isErr()) return exitWith(closed.error);
    log.info({}, "stopped");
    process.exit(EXIT.ok);
  };
  const { place } = storage.value;
  log.info({ url: server.value.url, place, pid: process.pid, version: VERSION }, "listening");
  process.stdout.write(
    `Quire listens on ${server.value.url}, with its data in ${place} (process ${process.pid})\nIts API is documented at ${http.publicUrl ?? server.value.url}/docs\n`,
  );
  return (signal) => void stopInOrder(signal);
}

/** How many descriptors the database takes. */
function databaseDescriptors({ database }: Config): number {
  return database === null ? ENGINE_DESCRIPTORS : database.poolSize * (1 + database.replicas.length);
}

async function ensureFirstAdmin(
  useCases: UseCases,
  { firstAdmin }: Config,
  log: Log,
): Promise<Result<void, EnsureAdminError>> {
  if (firstAdmin === null) return ok();
  const ensured = await useCases.ensureAdmin({ ...firstAdmin, name: "Admin" as UserName });
  return ensured.map((admin) => {
    if (admin !== null) log.info({ userId: admin.id }, "created the first admin");
  });
}
