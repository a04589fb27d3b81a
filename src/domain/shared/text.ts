import { ok, type Result } from "neverthrow";
import { refuse, type Violation } from "./violation.ts";

/**
 * Accepts text that can be stored and read back unchanged. It refuses
 *
 * - U+0000 (PostgreSQL 18, 8.3 Character Types),
 * - a lone surrogate, which has no UTF-8 form and would be read back as U+FFFD,
 * - a byte order mark at the beginning, which decoders of UTF-8 remove (WHATWG Encoding, 6.1).
 */
export function storableText(raw: string): Result<string, Violation> {
  if (raw.includes("\0")) return refuse("nul_character");
  if (!raw.isWellFormed()) return refuse("lone_surrogate");
  if (raw.startsWith("\ufeff")) return refuse("byte_order_mark");
  return ok(raw);
}

/** Like {@link storableText}, with a length in characters: Unicode code points, as PostgreSQL's `char_length` counts. */
export function textOfLength(raw: string, min: number, max: number): Result<string, Violation> {
  return storableText(raw).andThen((text) => {
    const length = codePointCount(text);
    if (length < min) return refuse("too_short", min);
    if (length > max) return refuse("too_long", max);
    return ok(text);
  });
}

// Excludes white space, control, format and default-ignorable characters, such as Hangul fillers. U+2800 is listed by itself:
// it is a Braille pattern without a dot, so Unicode classifies it as a symbol.
const VISIBLE = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** Whether a text shows anything to a reader. */
export function isVisibleText(text: string): boolean {
  return VISIBLE.test(text);
}

const CONTROL = /\p{Cc}/u;
const CONTROL_IN_LINES = /[^\P{Cc}\t\n\r]/u;
/** Embeddings, overrides and isolates (Unicode Standard Annex 9, 2.1 to 2.4), but not the implicit marks of 2.6. */
const BIDIRECTIONAL_CONTROL = /[\u202a-\u202e\u2066-\u2069]/;

/**
 * Accepts text of several lines: {@link storableText} with tab, line feed and carriage return as its only control characters
 * (C0, DEL and C1). Authors do not need others. Each takes six bytes in JSON, and a terminal interprets it as a command.
 */
export function multilineText(raw: string): Result<string, Violation> {
  return storableText(raw).andThen((text) => (CONTROL_IN_LINES.test(text) ? refuse("control_character") : ok(text)));
}

/**
 * Accepts a name or a title that a list can show: {@link textOfLength} without control characters and bidirectional controls,
 * and with at least one visible character.
 */
export function singleLineText(raw: string, min: number, max: number): Result<string, Violation> {
  return textOfLength(raw, min, max).andThen((text) => {
    if (CONTROL.test(text)) return refuse("control_character");
    if (BIDIRECTIONAL_CONTROL.test(text)) return refuse("bidirectional_control");
    return isVisibleText(text) ? ok(text) : refuse("blank");
  });
}

/** The number of code points of well-formed text. */
export function codePointCount(text: string): number {
  let surrogatePairs = 0;
  for (let i = 0; i < text.length; i++) if (isHighSurrogate(text.charCodeAt(i))) surrogatePairs++;
  return text.length - surrogatePairs;
}

/** The last code point that UTF-16 writes as one unit. */
const LAST_OF_ONE_UNIT = 0xffff;

/** The first code points of a text. It never splits a surrogate pair. */
export function firstCodePoints(text: string, count: number): string {
  let units = 0;
  for (let each = 0; each < count && units < text.length; each++) {
    units += (text.codePointAt(units) ?? 0) > LAST_OF_ONE_UNIT ? 2 : 1;
  }
  return text.slice(0, units);
}

/** The size in bytes of well-formed text as UTF-8. */
export function utf8ByteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A surrogate pair has two units and four bytes, so each of its halves counts as two, like U+0080 to U+07FF.
    bytes += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return bytes;
}

/** The maximum number of JSON bytes of a UTF-16 code unit: a control character becomes an escape such as `\u0001`. */
export const MAX_JSON_BYTES_PER_UNIT = 6;

/** The size in bytes of well-formed text as a JSON string in UTF-8, without its quotes, as `JSON.stringify` writes it. */
export function jsonByteLength(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair has two units and four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || isSurrogate(unit) ? 2 : 3;
    else if (unit < SPACE) bytes += SHORT_ESCAPES.has(unit) ? 2 : MAX_JSON_BYTES_PER_UNIT;
    else bytes += unit === QUOTE || unit === BACKSLASH ? 2 : 1;
  }
  return bytes;
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Backspace, tab, line feed, form feed and carriage return (RFC 8259, 7). */
const SHORT_ESCAPES: ReadonlySet<number> = new Set([0x08, 0x09, 0x0a, 0x0c, 0x0d]);

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

export function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
