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

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
