import { resolve } from "node:path";
import { err } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import { requireDatabase } from "../infrastructure/pglite/directory/require-database.ts";
import { upgrade } from "../infrastructure/pglite/upgrade/upgrade.ts";
import type { UpgradeDependencies } from "../interfaces/cli/upgrade.ts";
import { stopSignal } from "./command-process.ts";
import { loadConfig } from "./config.ts";
import { MIGRATIONS_FOLDER } from "./open-storage.ts";
import type { ProcessFailure } from "./process-failure.ts";

export const upgradeDatabase: UpgradeDependencies<ProcessFailure>["upgradeDatabase"] = async (options, onProgress) => {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  const { database, dataDirectory, freeSpaceBytes } = config.value;
  if (database !== null) {
    return fail({ kind: "done_by_server_tools", task: "upgrade", location: database.server.location });
  }
  const found = requireDatabase(dataDirectory);
  if (found.isErr()) return err(found.error);
  return upgrade({
    directory: resolve(dataDirectory),
    pglite: options.pglite ?? null,
    migrations: MIGRATIONS_FOLDER,
    freeSpaceBytes,
    log: pinoLog("warn"),
    signal: stopSignal().signal,
    onProgress,
  });
};
