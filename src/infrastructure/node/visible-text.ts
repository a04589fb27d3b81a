/**
 * Control characters of a terminal, and characters that reorder text: C0 and C1 controls (ECMA-48), bidirectional controls (UAX #9, 2),
 * line separators other than the line feed, and lone surrogates.
 */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]|\p{Surrogate}/gu;

/** Escapes every such character as `\uXXXX`, line breaks included. */
export function visibleText(text: string): string {
  return text.replaceAll(UNSAFE, escaped);
}

/** Does the same for several lines, and keeps their line breaks. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visibleText).join("\n");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
