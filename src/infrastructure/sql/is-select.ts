/** Whether a statement writes nothing. Drizzle begins what it selects with the word, and what writes with another. */
export function isSelect(text: string): boolean {
  return /^[\s(]*select\b/i.test(text);
}
