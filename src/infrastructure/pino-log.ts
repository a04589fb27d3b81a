import { isatty } from "node:tty";
import pino from "pino";
import pretty from "pino-pretty";
import type { Log } from "../application/ports/log.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/**
 * A log on standard error, as standard output belongs to what the program answers: JSON lines, or readable ones where
 * a terminal is attached. It is written at once, so that the last words before a crash are there.
 */
export function pinoLog(level: LogLevel): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err, failure: serializeFailure },
  };
  return isatty(STDERR)
    ? pino(options, pretty({ destination: STDERR, sync: true, translateTime: "HH:MM:ss.l" }))
    : pino(
        { ...options, formatters: { level: (label) => ({ level: label }) } },
        pino.destination({ dest: STDERR, sync: true }),
      );
}

/** A failure whose cause is an Error: JSON would leave nothing of it. */
function serializeFailure(failure: object): object {
  return "cause" in failure && failure.cause instanceof Error
    ? { ...failure, cause: pino.stdSerializers.err(failure.cause) }
    : failure;
}
