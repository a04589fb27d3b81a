import type { Result } from "neverthrow";
import type { StopUnclean } from "../application/ports/storage.ts";
import { nullLog } from "../infrastructure/node/null-log.ts";
import { openMemoryStorage } from "../infrastructure/memory/memory-storage.ts";
import { backgroundWork, type MaintainedStorage } from "./background/background-work.ts";
import { compose, type Composed, type Overrides } from "./compose.ts";

export interface QuireOptions extends Overrides {
  /** The storage; by default a memory storage, which loses its data with the process. */
  readonly storage?: MaintainedStorage;
}

export interface Quire extends Composed {
  /** Ends the background work, then closes the storage. Fails with `stop_unclean`. Stop to send requests before. */
  readonly close: () => Promise<Result<void, StopUnclean>>;
}

/**
 * The API and its use cases on a storage, with the background work of the server: it deletes what has expired, completes
 * removals of users, and maintains the search index. `app.fetch` answers requests on every server for Web standards.
 */
export function quire({ storage = openMemoryStorage(), ...overrides }: QuireOptions = {}): Quire {
  const work = backgroundWork(storage, overrides.log ?? nullLog);
  const { app, useCases } = compose({ ...work.storage, ...overrides });
  const background = work.start(useCases);
  return {
    app,
    useCases,
    close: async () => {
      await background.stop();
      return storage.close();
    },
  };
}
