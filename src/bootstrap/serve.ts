import { err, ok, type Result } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import { claimDataDirectory } from "../infrastructure/pglite/directory/claim.ts";
import type { Config } from "./config.ts";
import { endEngineThread } from "./engine-thread.ts";
import type { RunningServer, ServeError } from "./running-server.ts";

/**
 * Starts the server that a configuration describes: claims the data directory, opens the storage, creates the first admin,
 * and listens. Resolves when the server answers requests.
 */
export async function serve(config: Config, log: Log): Promise<Result<RunningServer, ServeError>> {
  const claimed = config.database === null ? await claimDataDirectory(config.dataDirectory) : ok(undefined);
  if (claimed.isErr()) return err(claimed.error);
  // Loaded after the claim, so that a directory in use is reported immediately. The modules that start the thread of the
  // database come first, so that it opens while this thread loads the web framework.
  if (config.database === null) await import("../infrastructure/pglite/embedded-database.ts");
  else await endEngineThread();
  const { openStorage } = await import("./open-storage.ts");
  const opening = openStorage(config, log, claimed.value);
  const { startServer } = await import("./running-server.ts");
  const storage = await opening;
  return storage.isErr() ? err(storage.error) : startServer(config, storage.value, log);
}
