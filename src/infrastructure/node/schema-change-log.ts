import type { Log } from "../../application/ports/log.ts";

/** Often enough that nobody takes a long change of the schema for a start that hangs. */
const PROGRESS_INTERVAL_MS = 10_000;

interface SchemaChangeLog {
  readonly succeeded: () => void;
  /** Says nothing: what failed is said by whoever ends the start. */
  readonly ended: () => void;
}

/** Logs that the schema is being brought up to date, how long it has taken so far, and when that is done. */
export function logSchemaChange(
  log: Log,
  migrations: number,
  intervalMs: number = PROGRESS_INTERVAL_MS,
): SchemaChangeLog {
  const startedAt = performance.now();
  const durationMs = () => Math.round(performance.now() - startedAt);
  log.info({ migrations }, "bringing the schema up to date");
  const progress = setInterval(() => {
    log.info({ migrations, durationMs: durationMs() }, "still bringing the schema up to date");
  }, intervalMs);
  return {
    succeeded: () => log.info({ migrations, durationMs: durationMs() }, "the schema was brought up to date"),
    ended: () => clearInterval(progress),
  };
}
