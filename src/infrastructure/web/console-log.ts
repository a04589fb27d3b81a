import { configure } from "safe-stable-stringify";
import type { Log } from "../../application/ports/log.ts";
import { visibleText } from "../node/visible-text.ts";

/** From the least to the most severe. */
const LEVELS = ["debug", "info", "warn", "error"] as const;

export type ConsoleLevel = (typeof LEVELS)[number];

/** The causes of an error form a chain that may be long or circular. */
const MAX_DEPTH = 8;

const stringify = configure({ maximumDepth: MAX_DEPTH, deterministic: false });

/** A log of JSON lines on the console of the runtime, from `level` on. */
export function consoleLog(level: ConsoleLevel = "info", write = writeToConsole): Log {
  const least = LEVELS.indexOf(level);
  const line = (each: ConsoleLevel) => (fields: object, message: string) => {
    if (LEVELS.indexOf(each) < least) return;
    const entry = { level: each, time: new Date().toISOString(), ...fields, msg: message };
    // In JSON such characters occur only in strings, where they may be escaped (RFC 8259, 7).
    write(each, visibleText(stringify(entry, plainError) ?? ""));
  };
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
}

function writeToConsole(level: ConsoleLevel, line: string): void {
  console[level](line);
}

/** JSON would keep nothing of an Error. */
function plainError(_: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack, cause } = value;
  return { type: name, message, stack, ...(cause === undefined ? {} : { cause }) };
}
