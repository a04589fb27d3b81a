import { err, type Result } from "neverthrow";
import { useCases } from "../application/application.ts";
import { administerUsers } from "../application/users/administer-users.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import { visibleText } from "../infrastructure/node/visible-text.ts";
import { runCommand } from "../interfaces/cli/command-line.ts";
import { processTerminal } from "../interfaces/cli/process-terminal.ts";
import type { Terminal } from "../interfaces/cli/terminal.ts";
import type { WithDatabase } from "../interfaces/cli/user-commands.ts";
import { backUpDatabase, restoreBackup } from "./back-up-database.ts";
import { nodeAdapters } from "./compose.ts";
import { compactDatabase } from "./compact-database.ts";
import { loadConfig } from "./config.ts";
import { moveDatabase, moveLocations } from "./move-database.ts";
import { openExistingStorage, openStorage } from "./open-storage.ts";
import { handleStopSignals } from "./process-end.ts";
import type { ProcessFailure } from "./process-failure.ts";
import { rebuildSearchIndex } from "./rebuild-search-index.ts";
import { runServer } from "./run-server.ts";
import { upgradeDatabase } from "./upgrade-database.ts";
import { verifyDatabase } from "./verify-database.ts";
import { VERSION } from "./version.ts";

/**
 * Runs the command that the arguments name, with the configuration of the environment. `hasServed`: the command was the
 * server, of which a connection may keep the process alive.
 */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal = processTerminal(visibleText),
): Promise<Result<{ readonly hasServed: boolean }, ProcessFailure>> {
  let hasServed = false;
  const done = await runCommand<ProcessFailure>(argv, {
    version: VERSION,
    terminal,
    serve: async () => {
      hasServed = true;
      return runServer(handleStopSignals());
    },
    withDatabase,
    moveLocations,
    moveDatabase,
    backUpDatabase,
    restoreBackup,
    rebuildSearchIndex,
    verifyDatabase,
    compactDatabase,
    upgradeDatabase,
  });
  return done.map(() => ({ hasServed }));
}

const withDatabase: WithDatabase<ProcessFailure> = async (newDatabase, run) => {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  // Standard output is for the result of the command, so the log has only warnings and errors.
  const log = pinoLog("warn");
  const storage = await (newDatabase === "allowed" ? openStorage : openExistingStorage)(config.value, log);
  if (storage.isErr()) return err(storage.error);
  const { location } = storage.value;
  const { sessionIdleMs, registration } = config.value;
  const dependencies = { ...nodeAdapters, ...storage.value, log, sessionIdleMs, registration };
  const used = await run({ ...useCases(dependencies), operator: administerUsers(dependencies) });
  const closed = await storage.value.close();
  // The failure of the command explains more than the failure to close.
  if (used.isErr()) return err(used.error);
  return closed.map(() => ({ value: used.value, location }));
};
