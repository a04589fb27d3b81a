import type { ExcerptPart } from "../../domain/search/excerpt.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Renders an excerpt as safe HTML: its only markup is `<mark>` around the matches. */
export function excerptHtml(parts: readonly ExcerptPart[]): string {
  return parts.map(({ text, isMatch }) => (isMatch ? `<mark>${escaped(text)}</mark>` : escaped(text))).join("");
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
