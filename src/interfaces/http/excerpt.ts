import type { ExcerptPart } from "../../domain/post/post-search.ts";

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** An excerpt as HTML that can be shown as it is: the only markup in it is `<mark>` around what matches. */
export function excerptHtml(parts: readonly ExcerptPart[]): string {
  return parts.map(({ text, isMatch }) => (isMatch ? `<mark>${escaped(text)}</mark>` : escaped(text))).join("");
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}
