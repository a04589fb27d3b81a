import type { Result } from "neverthrow";
import type { StorageProbe } from "./storage-probe.ts";
import type { Repositories, UnitOfWork } from "./unit-of-work.ts";

/** The database did not shut down cleanly. Nothing that was acknowledged is lost: the next start recovers it. */
export interface StopUnclean {
  readonly kind: "stop_unclean";
  readonly detail: string;
}

/** All that an adapter of a database gives, and all that a decorator takes and gives. */
export interface Storage extends Repositories {
  readonly unitOfWork: UnitOfWork;
  readonly probe: StorageProbe;
  /**
   * Shuts the database down after the calls that run. Fails with `stop_unclean`. A closed database refuses every later call
   * as `unavailable`.
   */
  close(): Promise<Result<void, StopUnclean>>;
}
