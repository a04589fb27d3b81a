import { constants } from "node:os";
import { ok } from "neverthrow";
import { loadConfig } from "./config.ts";
import { claimDataDirectory } from "../infrastructure/pglite/directory/claim.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import { exitWith } from "./process-failure.ts";

const SAME_SIGNAL_MS = 100;

/** Starts the server that the environment describes; ends the process where that fails. */
export async function start(): Promise<void> {
  const config = loadConfig();
  if (config.isErr()) return exitWith(config.error);
  const settings = config.value;
  // Until it serves there is nothing to finish. A container's first process must say so: its signals have no default.
  let stop: (signal: NodeJS.Signals) => void = endAtOnce;
  onStopSignals((signal) => stop(signal));
  const claimed = settings.database === null ? claimDataDirectory(settings.dataDirectory) : ok(undefined);
  if (claimed.isErr()) return exitWith(claimed.error);
  // Loaded only now: who finds the directory taken is told before it has loaded a database and a web framework. The
  // database opens on its own thread while the framework is loaded on this one.
  const { openStorage } = await import("./open-storage.ts");
  const log = pinoLog(settings.logLevel);
  const opening = openStorage(settings, log, claimed.value);
  const { serve } = await import("./serve.ts");
  stop = await serve(settings, opening, log);
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
