import type { Log } from "../../application/ports/log.ts";

/** Shows that a long migration makes progress and the start does not hang. */
const PROGRESS_INTERVAL_MS = 10_000;

interface SchemaChangeLog {
  readonly succeeded: () => void;
  /** Stops the progress lines. It logs nothing: the caller reports a failure. */
  readonly ended: () => void;
}

/** Logs the start, the progress and the end of a migration of the schema. */
export function logSchemaChange(
  log: Log,
  migrations: number,
  intervalMs: number = PROGRESS_INTERVAL_MS,
): SchemaChangeLog {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  log.info({ migrations }, "migrating the schema");
  const progress = setInterval(() => {
    log.info({ migrations, durationMs: durationMs() }, "still migrating the schema");
  }, intervalMs);
  return {
    succeeded: () => log.info({ migrations, durationMs: durationMs() }, "schema migrated"),
    ended: () => clearInterval(progress),
  };
}
