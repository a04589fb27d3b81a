import { visibleText } from "./visible-text.ts";

/** Colours of the levels (ECMA-48, SGR). */
const COLOURS: Readonly<Record<string, string>> = { WARN: "\u001B[33m", ERROR: "\u001B[31m", FATAL: "\u001B[31m" };
const PLAIN = "\u001B[39m";

const LEVEL_WIDTH = "ERROR".length;
const TIME_OF_DAY = /T(.*)Z$/;

/**
 * Formats a JSON log line for people: time (UTC), level, message, and the fields as `name=value`, in one line. The stack of
 * an error follows in the next lines. Control characters of a terminal are escaped, except for the colour of the level.
 */
export function readableLine(json: string, hasColours: boolean): string {
  const { level, time, msg, ...fields } = JSON.parse(json) as Readonly<Record<string, unknown>>;
  const label = String(level).toUpperCase();
  const colour = hasColours ? COLOURS[label] : undefined;
  const padded = label.padEnd(LEVEL_WIDTH);
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${shownValue(withoutStack(value))}`);
  const beginning = `${TIME_OF_DAY.exec(String(time))?.[1] ?? ""} ${colour === undefined ? padded : `${colour}${padded}${PLAIN}`}`;
  const stacks = Object.values(fields).flatMap(stackOf);
  const lines = stacks.map((line) => `    ${visibleText(line)}\n`);
  return `${beginning} ${[String(msg), ...shown].map(visibleText).join(" ")}\n${lines.join("")}`;
}

/** Text without white space and quotes stays unchanged; anything else becomes JSON. */
function shownValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

function withoutStack(value: unknown): unknown {
  return hasStack(value) ? { ...value, stack: undefined } : value;
}

function stackOf(value: unknown): readonly string[] {
  return hasStack(value) ? value.stack.split("\n").map((line) => line.trim()) : [];
}

function hasStack(value: unknown): value is { readonly stack: string } {
  return typeof value === "object" && value !== null && "stack" in value && typeof value.stack === "string";
}
