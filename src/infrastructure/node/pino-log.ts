import { isatty } from "node:tty";
import pino from "pino";
import type { Log } from "../../application/ports/log.ts";
import { readableLine } from "./readable-log.ts";
import { visibleLines } from "./visible-text.ts";

export const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/** The destination of a log. */
export interface LogOutput {
  readonly write: (line: string) => void;
  /** Whether people read the lines. Otherwise the lines are JSON. */
  readonly isTerminal: boolean;
}

/**
 * Standard error, because standard output is for the result of the program. It writes synchronously, so that the last lines
 * before a crash are not lost.
 */
function standardError(): LogOutput {
  const destination = pino.destination({ dest: STDERR, sync: true });
  return { write: (line) => destination.write(line), isTerminal: isatty(STDERR) };
}

/** A log that writes JSON lines, or readable lines on a terminal. */
export function pinoLog(level: LogLevel, output: LogOutput = standardError()): Log {
  const { NO_COLOR } = process.env;
  const hasColours = NO_COLOR === undefined || NO_COLOR === "";
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { error: serializeError, failure: serializeFailure },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  // In JSON such characters occur only in strings, where they may be escaped (RFC 8259, 7).
  const write = (line: string) => output.write(output.isTerminal ? readableLine(line, hasColours) : visibleLines(line));
  return pino(options, { write });
}

/** pino adds a mark to an error while it serializes the error. That throws for a frozen error, so such an error is copied. */
function serializeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const prototype = Object.getPrototypeOf(error) as object;
  const copy = () => Object.create(prototype, Object.getOwnPropertyDescriptors(error)) as Error;
  return pino.stdSerializers.err(Object.isExtensible(error) ? error : copy());
}

/** Serializes the cause of a failure, of which JSON would keep nothing if it is an Error. */
function serializeFailure(failure: unknown): unknown {
  return typeof failure === "object" && failure !== null && "cause" in failure
    ? { ...failure, cause: serializeError(failure.cause) }
    : failure;
}
