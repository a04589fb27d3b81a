import { constants } from "node:os";
import { resolve } from "node:path";
import type { Log } from "./application/ports/log.ts";
import type { UseCases } from "./application/use-cases.ts";
import { compose, nodeAdapters, storageOptions } from "./composition.ts";
import { loadEnvFile, readConfig, type Config } from "./config.ts";
import type { UserName } from "./domain/user.ts";
import { openPgliteStorage } from "./infrastructure/pglite/pglite-storage.ts";
import { pinoLog } from "./infrastructure/pino-log.ts";
import { listen } from "./node-http-server.ts";
import { explain, EXIT, type ProcessFailure } from "./process-failure.ts";

const SHUTDOWN_GRACE_MS = 10_000;
const PURGE_INTERVAL_MS = 3_600_000;
const SAME_SIGNAL_MS = 100;

loadEnvFile();
const config = readConfig(process.env);
if (config.isErr()) exitWith(config.error);
else await start(config.value);

async function start(settings: Config): Promise<void> {
  const log = pinoLog(settings.logLevel);
  // Until it serves there is nothing to finish. A container's first process must say so: its signals have no default.
  let stop: (signal: NodeJS.Signals) => void = endAtOnce;
  onStopSignals((signal) => stop(signal));
  const storage = await openPgliteStorage({ ...storageOptions(settings), log });
  if (storage.isErr()) return exitWith(storage.error);
  void storage.value.gaveUp.then(exitWith);
  const { app, useCases } = compose({
    ...nodeAdapters,
    ...storage.value,
    log,
    sessionIdleMs: settings.sessionIdleMs,
  });
  await ensureFirstAdmin(useCases, settings, log);
  await purgeSessions(useCases, log);
  const server = await listen({ fetch: app.fetch, host: settings.host, port: settings.port, log });
  if (server.isErr()) {
    await storage.value.close();
    return exitWith(server.error);
  }
  const purge = setInterval(() => void purgeSessions(useCases, log), PURGE_INTERVAL_MS);

  const stopInOrder = async (signal: NodeJS.Signals) => {
    log.info({ signal }, "stopping");
    clearInterval(purge);
    await server.value.close(SHUTDOWN_GRACE_MS);
    const closed = await storage.value.close();
    if (closed.isErr()) return exitWith(closed.error);
    log.info({}, "stopped");
    process.exit(EXIT.ok);
  };
  stop = (signal) => void stopInOrder(signal);

  const dataDirectory = resolve(settings.dataDirectory);
  log.info({ url: server.value.url, dataDirectory }, "listening");
  process.stdout.write(`Quire listens on ${server.value.url}, with its data in ${dataDirectory}\n`);
}

/** Calls `stop` at the first signal; a later one ends the process at once, which loses nothing either. */
function onStopSignals(stop: (signal: NodeJS.Signals) => void): void {
  let stoppingSince: number | null = null;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stoppingSince === null) {
        stoppingSince = performance.now();
        stop(signal);
        // At Ctrl-C a terminal signals every process, and npm hands its own signal on: that is one wish, not two.
      } else if (performance.now() - stoppingSince > SAME_SIGNAL_MS) endAtOnce(signal);
    });
  }
}

/** Ends as a process does that a signal has ended, which a shell shows as 128 and the signal's number. */
function endAtOnce(signal: NodeJS.Signals): never {
  process.exit(128 + constants.signals[signal]);
}

async function ensureFirstAdmin(useCases: UseCases, { firstAdmin }: Config, log: Log): Promise<void> {
  if (firstAdmin === null) return;
  const ensured = await useCases.ensureAdmin({ ...firstAdmin, name: "Admin" as UserName });
  if (ensured.isErr()) return exitWith(ensured.error);
  if (ensured.value !== null) log.info({ userId: ensured.value.id }, "created the first admin");
}

async function purgeSessions(useCases: UseCases, log: Log): Promise<void> {
  const purged = await useCases.purgeExpiredSessions();
  if (purged.isErr()) log.warn({ failure: purged.error }, "expired sessions stay for now");
}

function exitWith(failure: ProcessFailure): never {
  const { message, exitCode } = explain(failure);
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}
