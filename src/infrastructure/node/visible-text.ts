/**
 * Characters that a terminal obeys or that change the order of what is shown: C0 and C1 controls (ECMA-48), the controls of
 * bidirectional text (UAX #9, 2), the separators of lines that are no line feed, and lone halves of a character.
 */
// eslint-disable-next-line no-control-regex
const UNSAFE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]|\p{Surrogate}/gu;

/** The text with every character that would not be shown as itself written as `\uXXXX`, line breaks included. */
export function visibleText(text: string): string {
  return text.replaceAll(UNSAFE, escaped);
}

/** The same for lines, whose breaks stay. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visibleText).join("\n");
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
}
