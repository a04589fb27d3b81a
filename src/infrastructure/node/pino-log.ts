import { isatty } from "node:tty";
import pino from "pino";
import type { Log } from "../../application/ports/log.ts";
import { readableLine } from "./readable-log.ts";
import { visibleLines } from "./visible-text.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/**
 * A log on standard error, because standard output is for the result of the program. It writes JSON lines, or readable lines
 * on a terminal. It writes synchronously, so that the last lines before a crash are not lost.
 */
export function pinoLog(level: LogLevel): Log {
  const destination = pino.destination({ dest: STDERR, sync: true });
  const isTerminal = isatty(STDERR);
  const { NO_COLOR } = process.env;
  const hasColours = NO_COLOR === undefined || NO_COLOR === "";
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: pino.stdSerializers.err, failure: serializeFailure },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // In JSON such characters occur only in strings, where they may be escaped (RFC 8259, 7).
  const write = (line: string) => destination.write(isTerminal ? readableLine(line, hasColours) : visibleLines(line));
  return pino(options, { write });
}

/** Serializes the cause of a failure, of which JSON would keep nothing if it is an Error. */
function serializeFailure(failure: object): object {
  return "cause" in failure && failure.cause instanceof Error
    ? { ...failure, cause: pino.stdSerializers.err(failure.cause) }
    : failure;
}
