export interface IndexedTerm {
  readonly lexeme: string;
  readonly positions: readonly number[];
}

export function indexedTerms(post: { readonly title: string; readonly content: string }): readonly IndexedTerm[] {
  void post;
  return [];
}
