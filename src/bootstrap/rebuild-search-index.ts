import { err } from "neverthrow";
import { fail } from "../domain/shared/fail.ts";
import { pinoLog } from "../infrastructure/node/pino-log.ts";
import type { ReindexDependencies } from "../interfaces/cli/reindex.ts";
import { stopSignal } from "./command-process.ts";
import { loadConfig } from "./config.ts";
import { openExistingStorage } from "./open-storage.ts";
import type { ProcessFailure } from "./process-failure.ts";

export const rebuildSearchIndex: ReindexDependencies<ProcessFailure>["rebuildSearchIndex"] = async (onProgress) => {
  const config = loadConfig();
  if (config.isErr()) return err(config.error);
  const storage = await openExistingStorage(config.value, pinoLog("warn"));
  if (storage.isErr()) return err(storage.error);
  const { searchIndex, location } = storage.value;
  const stop = stopSignal();
  const swept = await searchIndex.sweep({ isForced: true, onProgress, isStopping: () => stop.signal.aborted });
  stop.release();
  const closed = await storage.value.close();
  // The failure of the command explains more than the failure to close.
  if (swept.isErr()) return err(swept.error);
  if (stop.signal.aborted) return fail({ kind: "reindex_cancelled", posts: swept.value });
  return closed.map(() => ({ posts: swept.value, location }));
};
