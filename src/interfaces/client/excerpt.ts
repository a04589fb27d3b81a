export interface ExcerptPart {
  readonly text: string;
  /** Whether this part matches the search. */
  readonly isMatch: boolean;
}

const CHARACTERS: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

/** The excerpt of a found post as plain text, for callers without a DOM, or that insert no foreign HTML into it. */
export function excerptParts(html: string): ExcerptPart[] {
  return html
    .split(/<\/?mark>/)
    .map((part, index) => ({
      text: part.replaceAll(/&[^;]+;/g, (name) => CHARACTERS[name] ?? name),
      isMatch: index % 2 === 1,
    }))
    .filter(({ text }) => text !== "");
}
