import { ok, type Result } from "neverthrow";
import { refuse, type Violation } from "./violation.ts";

/**
 * Accepts what can be stored and comes back unchanged: no U+0000 (PostgreSQL 18, 8.3 Character Types), no lone
 * surrogate, which has no UTF-8 form and would come back as U+FFFD, and no byte order mark at the beginning, which
 * decoders of UTF-8 take away (WHATWG Encoding, 6.1).
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

// All but U+2800 is a property of Unicode: white space, control, format and default-ignorable characters, the Hangul fillers
// among these. U+2800 is a Braille pattern without a dot, and so counts as a symbol.
const VISIBLE = /[^\p{White_Space}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;
const CONTROL = /\p{Cc}/u;
const CONTROL_IN_LINES = /[^\P{Cc}\t\n\r]/u;
/** Embeddings, overrides and isolates (Unicode Standard Annex 9, 2.1 to 2.4); the implicit marks of 2.6 are not among them. */
const BIDIRECTIONAL_CONTROL = /[\u202a-\u202e\u2066-\u2069]/;

/**
 * Accepts text of several lines: like {@link storableText}, and of the control characters (C0, DEL and C1) only tab, line
 * feed and carriage return. Others are nothing that people write: each is six bytes in JSON, and a terminal that shows
 * the text obeys it.
 */
export function multilineText(raw: string): Result<string, Violation> {
  return storableText(raw).andThen((text) => (CONTROL_IN_LINES.test(text) ? refuse("control_character") : ok(text)));
}

/**
 * Accepts what stands for something in a list, a name or a title: like {@link textOfLength}, with no control character,
 * nothing that turns the direction of the text around it, and something to be seen.
 */
export function singleLineText(raw: string, min: number, max: number): Result<string, Violation> {
  return textOfLength(raw, min, max).andThen((text) => {
    if (CONTROL.test(text)) return refuse("control_character");
    if (BIDIRECTIONAL_CONTROL.test(text)) return refuse("bidirectional_control");
    return VISIBLE.test(text) ? ok(text) : refuse("blank");
  });
}

function codePointCount(text: string): number {
  let surrogatePairs = 0;
  for (let i = 0; i < text.length; i++) if (isHighSurrogate(text.charCodeAt(i))) surrogatePairs++;
  return text.length - surrogatePairs;
}

/** The size in bytes of well-formed text as UTF-8. */
export function utf8ByteLength(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    // A surrogate pair is two units and four bytes, so each of its halves counts two, like U+0080 to U+07FF.
    bytes += unit < 0x800 || isSurrogate(unit) ? 1 : 2;
  }
  return bytes;
}

/** No UTF-16 code unit takes more bytes of JSON in UTF-8: a control character is an escape such as `\u0001`. */
export const MAX_JSON_BYTES_PER_UNIT = 6;

/** The size in bytes of well-formed text as a JSON string in UTF-8, without its quotes, as `JSON.stringify` writes it. */
export function jsonByteLength(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is two units and four bytes.
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
