import { endEarlyThread, startThreadEarly } from "../infrastructure/pglite/engine/early-thread.ts";
import { ENGINE_WORKER } from "../infrastructure/pglite/client/worker-files.ts";

/**
 * Starts the thread of the embedded database, which loads its modules while this thread loads and reads the configuration. Not if the
 * environment names a database server; {@link endEngineThread} is for a server that only the file `.env` names.
 */
export function startEngineThread(): void {
  if ((process.env["DATABASE_URL"] ?? "") === "") startThreadEarly(ENGINE_WORKER);
}

/** Ends the thread, because the database is on a server. */
export async function endEngineThread(): Promise<void> {
  await endEarlyThread(ENGINE_WORKER);
}
