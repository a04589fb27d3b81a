import type { Result } from "neverthrow";
import type { StorageProbe } from "./storage-probe.ts";
import type { Repositories, UnitOfWork } from "./unit-of-work.ts";

/** The shutdown of the database was unclean. No acknowledged write is lost: the next start runs the crash recovery. */
export interface StopUnclean {
  readonly kind: "stop_unclean";
  readonly detail: string;
}

/** The ports that an adapter of a database implements. A decorator takes and returns them. */
export interface Storage extends Repositories {
  readonly unitOfWork: UnitOfWork;
  readonly probe: StorageProbe;
  /**
   * Waits for the running calls and shuts the database down. Fails with `stop_unclean`. A closed database refuses every later
   * call as `unavailable`.
   */
  close(): Promise<Result<void, StopUnclean>>;
}
