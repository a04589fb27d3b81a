export interface ExcerptPart {
  readonly text: string;
  /** Whether it is what was searched for. */
  readonly isMatch: boolean;
}

const CHARACTERS: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

/** The excerpt of a post that a search has found, as text: for who has no DOM, or lets no HTML of others into it. */
export function excerptParts(html: string): ExcerptPart[] {
  return html
    .split(/<\/?mark>/)
    .map((part, index) => ({
      text: part.replaceAll(/&[^;]+;/g, (name) => CHARACTERS[name] ?? name),
      isMatch: index % 2 === 1,
    }))
    .filter(({ text }) => text !== "");
}
