/** Whether a statement only reads. Drizzle's reads begin with `select`, and its writes with another keyword. */
export function isSelect(text: string): boolean {
  return /^[\s(]*select\b/i.test(text);
}
