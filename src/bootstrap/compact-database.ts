import { resolve } from "node:path";
import { err } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import { compact } from "../infrastructure/pglite/compaction.ts";
import { requireDatabase } from "../infrastructure/pglite/directory/require-database.ts";
import { openEmbeddedDatabase } from "../infrastructure/pglite/embedded-database.ts";
import { QUIRE_SCHEMA } from "../infrastructure/pglite/quire-schema.ts";
import type { CompactDependencies } from "../interfaces/cli/compact.ts";
import { stopSignal } from "./command-process.ts";
import { loadConfig } from "./config.ts";
import type { ProcessFailure } from "./process-failure.ts";

export const compactDatabase: CompactDependencies<ProcessFailure>["compactDatabase"] = async (onProgress) => {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  const { database, dataDirectory, durability, freeSpaceBytes, statementDeadlineMs } = config.value;
  if (database !== null) {
    return fail({ kind: "done_by_server_tools", task: "compaction", location: database.server.location });
  }
  const found = requireDatabase(dataDirectory);
  if (found.isErr()) return err(found.error);
  const directory = resolve(dataDirectory);
  const limits = { durability, freeSpaceBytes, statementDeadlineMs };
  const opened = await openEmbeddedDatabase({ directory, ...limits, schema: QUIRE_SCHEMA, log: pinoLog("warn") });
  if (opened.isErr()) return err(opened.error);
  const compacted = await compact(opened.value, { freeSpaceBytes, signal: stopSignal().signal, onProgress });
  const closed = await opened.value.close();
  // The failure of the command explains more than the failure to close.
  if (compacted.isErr()) return err(compacted.error);
  return closed.map(() => ({ directory, ...compacted.value }));
};
