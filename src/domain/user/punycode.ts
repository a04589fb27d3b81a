import { isSurrogate } from "../shared/text.ts";

// RFC 3492, 5.
const BASE = 36;
const MIN_THRESHOLD = 1;
const MAX_THRESHOLD = 26;
const SKEW = 38;
const DAMP = 700;
const INITIAL_BIAS = 72;
const INITIAL_CODE_POINT = 0x80;
const DELIMITER = "-";
const MAX_CODE_POINT = 0x10ffff;

/**
 * Decodes Punycode (RFC 3492, 6.2), the encoding of a domain label after `xn--`; `null` for invalid input. A text has only one
 * encoding, apart from the case of letters. The caller must bound the length, because decoding takes quadratic time.
 */
export function decodePunycode(encoded: string): string | null {
  const basic = encoded.lastIndexOf(DELIMITER);
  const output = Array.from(encoded.slice(0, Math.max(0, basic)), (character) => character.charCodeAt(0));
  if (output.some((basicCodePoint) => basicCodePoint >= INITIAL_CODE_POINT)) return null;
  let codePoint = INITIAL_CODE_POINT;
  let bias = INITIAL_BIAS;
  let index = 0;
  // A leading hyphen is not a delimiter.
  let at = basic > 0 ? basic + 1 : 0;
  while (at < encoded.length) {
    const before = index;
    let weight = 1;
    for (let position = BASE; ; position += BASE) {
      const digit = digitOf(encoded[at++]);
      if (digit === null) return null;
      index += digit * weight;
      const threshold = Math.min(Math.max(position - bias, MIN_THRESHOLD), MAX_THRESHOLD);
      if (digit < threshold) break;
      weight *= BASE - threshold;
      if (weight > Number.MAX_SAFE_INTEGER / BASE) return null;
    }
    const length = output.length + 1;
    bias = adapt(index - before, length, before === 0);
    codePoint += Math.floor(index / length);
    index %= length;
    if (codePoint > MAX_CODE_POINT || isSurrogate(codePoint)) return null;
    output.splice(index++, 0, codePoint);
  }
  return String.fromCodePoint(...output);
}

function digitOf(character: string | undefined): number | null {
  return character !== undefined && /^[a-z0-9]$/i.test(character)
    ? (Number.parseInt(character, BASE) + 26) % BASE
    : null;
}

/** RFC 3492, 6.1. */
function adapt(delta: number, length: number, isFirst: boolean): number {
  let rest = Math.floor(delta / (isFirst ? DAMP : 2));
  rest += Math.floor(rest / length);
  let position = 0;
  for (; rest > ((BASE - MIN_THRESHOLD) * MAX_THRESHOLD) / 2; position += BASE) {
    rest = Math.floor(rest / (BASE - MIN_THRESHOLD));
  }
  return position + Math.floor(((BASE - MIN_THRESHOLD + 1) * rest) / (rest + SKEW));
}
