/** How much JSON text may hold, whatever its bytes. */
interface JsonBounds {
  /** How deep brackets may nest. */
  readonly maxDepth: number;
  /** How many brackets, commas and colons may stand outside of strings. */
  readonly maxStructure: number;
}

/**
 * The bounds of every body. They are the same for those that hold a post and those that do not, for all are objects of a
 * few strings: what makes the former longer is inside one string. A hundred unknown fields, as many as an answer names,
 * have 200 commas and colons.
 */
export const JSON_BOUNDS: JsonBounds = { maxDepth: 32, maxStructure: 1_024 };

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * The problem that JSON text is for its structure, `null` where it is none. It reads the text once and builds nothing: a
 * body of 6 MiB takes 10 ms. `JSON.parse` builds all that the text says before any validator can refuse it, on the thread
 * that serves everybody: 560,000 keys, 5 MB, hold that for a second, and three million arrays for two; and whatever walks
 * through a value that is nested deep enough overflows its stack.
 */
export function exceededBound(
  json: string,
  { maxDepth, maxStructure }: JsonBounds,
): "json_too_deep" | "json_too_complex" | null {
  let depth = 0;
  let structure = 0;
  let isInString = false;
  for (let i = 0; i < json.length; i++) {
    const unit = json.charCodeAt(i);
    if (isInString) {
      if (unit === BACKSLASH) i++;
      else if (unit === QUOTE) isInString = false;
      continue;
    }
    if (unit === QUOTE) isInString = true;
    else if (unit === OPENING_BRACE || unit === OPENING_BRACKET) {
      structure++;
      if (++depth > maxDepth) return "json_too_deep";
    } else if (unit === CLOSING_BRACE || unit === CLOSING_BRACKET) {
      structure++;
      depth--;
    } else if (unit === COMMA || unit === COLON) structure++;
    if (structure > maxStructure) return "json_too_complex";
  }
  return null;
}
