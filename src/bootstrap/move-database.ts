import { err, type Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import type { TransferEndpoint } from "../infrastructure/transfer/endpoint.ts";
import { transfer } from "../infrastructure/transfer/transfer.ts";
import type { MoveDependencies, MoveLocations } from "../interfaces/cli/move.ts";
import { stopSignal } from "./command-process.ts";
import { loadConfig } from "./config.ts";
import { openTransferEndpoint } from "./open-storage.ts";
import type { ProcessFailure } from "./process-failure.ts";

/** The configured database of the server is neither the source nor the target. */
const WITHOUT_SERVER = { DATABASE_URL: "", DATABASE_MIGRATION_URL: "", DATABASE_REPLICA_URLS: "" };

export const moveLocations: MoveDependencies<ProcessFailure>["moveLocations"] = () =>
  // Loading the configuration adds the env file to the environment.
  loadConfig(WITHOUT_SERVER).map(() => {
    const { QUIRE_MOVE_FROM: from, QUIRE_MOVE_TO: to } = process.env;
    return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  });

export const moveDatabase: MoveDependencies<ProcessFailure>["moveDatabase"] = async (locations, onProgress) => {
  const log = pinoLog("warn");
  const stop = stopSignal();
  const moved = await withEndpoint("from", locations.from, log, async (source) =>
    withEndpoint("to", locations.to, log, async (target) => transfer(source, target, onProgress, stop.signal)),
  );
  stop.release();
  return moved;
};

/** Opens one database of a move, and closes it after its use. */
async function withEndpoint<T>(
  end: keyof MoveLocations,
  location: string,
  log: Log,
  use: (endpoint: TransferEndpoint) => Promise<Result<T, ProcessFailure>>,
): Promise<Result<T, ProcessFailure>> {
  const opened = await openLocation(end, location, log);
  if (opened.isErr()) return err(opened.error);
  const used = await use(opened.value);
  const closed = await opened.value.close();
  // The failure of the move explains more than the failure to close.
  return used.isOk() && closed.isErr() ? err(closed.error) : used;
}

async function openLocation(
  end: keyof MoveLocations,
  location: string,
  log: Log,
): Promise<Result<TransferEndpoint, ProcessFailure>> {
  const named = isUrl(location) ? { DATABASE_URL: location } : { QUIRE_DATA_DIR: location };
  const [variable] = Object.keys(named);
  const config = loadConfig({ ...WITHOUT_SERVER, ...named }).mapErr(({ kind, problems }) => ({
    kind,
    problems: problems.map((each) => (each.variable === variable ? { ...each, variable: `--${end}` } : each)),
  }));
  return config.isErr()
    ? err(config.error)
    : openTransferEndpoint(config.value, log, end === "to" ? "allowed" : "refused");
}

/**
 * Text that looks like a URL counts as a URL, even with a mistake in it. It may hold a password, so it must not be
 * shown as a path. A directory with such a name can be written as `./a:b`.
 */
function isUrl(location: string): boolean {
  return /^[a-z][a-z\d+.-]*:/i.test(location);
}
