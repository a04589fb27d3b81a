import { beginningLexeme, beginningsOf, bucketOf, isLoneCharacter, titleLexeme, variantLexeme } from "./lexemes.ts";
import { isPrefixForm, type Clause, type SearchQuery } from "./search-query.ts";
import { maxTypos, typoVariants } from "./typo-variants.ts";

/** A condition on the lexemes of a post (`indexedTerms`). An `and` of nothing is true, and an `or` of nothing is false. */
export type SearchExpression = SearchLeaf | SearchOperation;

/** `phrase`: the lexemes stand at consecutive positions. `prefix`: a lexeme begins with this text. */
type SearchLeaf =
  | { readonly kind: "term"; readonly lexeme: string }
  | { readonly kind: "prefix"; readonly lexeme: string }
  | { readonly kind: "phrase"; readonly lexemes: readonly string[] }
  | { readonly kind: "all" };

type SearchOperation =
  | { readonly kind: "and" | "or"; readonly of: readonly SearchExpression[] }
  | { readonly kind: "not"; readonly of: SearchExpression };

/** The lexemes of a post with their positions. */
export type Lexemes = ReadonlyMap<string, readonly number[]>;

const EVERY_POST: SearchExpression = { kind: "all" };

export function allOf(expressions: readonly SearchExpression[]): SearchExpression {
  const [first] = expressions;
  return expressions.length === 1 && first !== undefined ? first : { kind: "and", of: expressions };
}

export function anyOf(expressions: readonly SearchExpression[]): SearchExpression {
  const [first] = expressions;
  return expressions.length === 1 && first !== undefined ? first : { kind: "or", of: expressions };
}

/** The post matches, with all words in its title. Excluded words are neither there nor in the content. `null` if all are excluded. */
export function titleExpression(query: SearchQuery): SearchExpression | null {
  const alternatives = query.alternatives.flatMap((clauses) => {
    const wanted = clauses.filter(({ isExcluded }) => !isExcluded);
    if (wanted.length === 0) return [];
    return [allOf([...wanted.map(titleClause), ...clauses.map(textClause)])];
  });
  return alternatives.length === 0 ? null : anyOf(alternatives);
}

/** The post matches, with the words in its title or its content. */
export function textExpression(query: SearchQuery): SearchExpression {
  return anyOf(query.alternatives.map((clauses) => allOf(clauses.map(textClause))));
}

/**
 * Each word is in the post, or a word of its title may resemble it. The title needs to be compared: `isTypoMatch`. `null` if the
 * query has an operator, or if its words are too short for a typo.
 */
export function typoExpression(query: SearchQuery): SearchExpression | null {
  return withTypos(query, (word) => typoVariants(word).map((variant) => term(variantLexeme(variant))));
}

/**
 * Like {@link typoExpression}, with the words of the content too: each word is in the post, or some word begins with the same
 * three letters. Finds a typo after them. The text needs to be compared: `isTypoMatch`.
 */
export function textTypoExpression(query: SearchQuery): SearchExpression | null {
  return withTypos(query, (word) => {
    const variants = typoVariants(word).map((variant) => term(variantLexeme(variant)));
    return [
      ...variants,
      ...beginningsOf(word)
        .slice(-1)
        .map((beginning) => term(beginningLexeme(beginning))),
    ];
  });
}

function withTypos(
  { alternatives }: SearchQuery,
  similarTo: (word: string) => readonly SearchExpression[],
): SearchExpression | null {
  const [clauses = []] = alternatives;
  const hasOperator = alternatives.length > 1 || clauses.some(({ isExcluded, isQuoted }) => isExcluded || isQuoted);
  if (hasOperator || clauses.every((clause) => typoWordOf(clause) === null)) return null;
  return allOf(
    clauses.map((clause) => {
      const word = typoWordOf(clause);
      return word === null ? textClause(clause) : anyOf([textClause(clause), ...similarTo(word)]);
    }),
  );
}

/** The word of a clause that may have a typo: a single word, or the joined form of a connected one. */
export function typoWordOf({ forms, isExcluded, isQuoted }: Clause): string | null {
  if (isExcluded || isQuoted) return null;
  return forms.find((form) => form.length === 1 && maxTypos(form[0] ?? "") > 0)?.[0] ?? null;
}

/** A clause in the title or the content. */
export function textClause(clause: Clause): SearchExpression {
  const has = anyOf(clause.forms.map((form) => textForm(form, isPrefixForm(clause, form))));
  return clause.isExcluded ? { kind: "not", of: has } : has;
}

/** The words of a wanted clause are in the title; that they form its phrase is left to {@link textClause}. */
export function titleClause(clause: Clause): SearchExpression {
  return anyOf(
    clause.forms.map((form) => {
      const isPrefix = isPrefixForm(clause, form);
      const [first, last] = [form.slice(0, isPrefix ? -1 : undefined), form.at(-1) ?? ""];
      const words = first.map((word) => term(titleLexeme(lexemeOf(word))));
      return allOf(isPrefix ? [...words, { kind: "prefix", lexeme: titleLexeme(last) }] : words);
    }),
  );
}

function textForm(form: readonly string[], isPrefix: boolean): SearchExpression {
  if (isPrefix) {
    const prefix: SearchExpression = { kind: "prefix", lexeme: form.at(-1) ?? "" };
    return form.length === 1 ? prefix : allOf([textForm(form.slice(0, -1), false), prefix]);
  }
  if (form.length > 1 && !form.some(isLoneCharacter)) return { kind: "phrase", lexemes: form };
  return allOf(form.map((word) => term(lexemeOf(word))));
}

/** A single character of a script without spaces is found in every bigram that has it. */
function lexemeOf(word: string): string {
  return isLoneCharacter(word) ? beginningLexeme(word) : word;
}

function term(lexeme: string): SearchExpression {
  return { kind: "term", lexeme };
}

/**
 * The weaker condition that an inverted index answers without reading the post: `term`, `and`, `or` and `all` alone. A phrase
 * becomes its words, a prefix becomes the beginnings that are indexed, and an exclusion becomes `all`.
 */
export function indexable(expression: SearchExpression): SearchExpression {
  return fold<SearchExpression>(expression, indexableLeaf, (operation, parts) => {
    if (operation.kind === "not") return EVERY_POST;
    const selective = parts.filter(({ kind }) => kind !== "all");
    if (operation.kind === "or") return selective.length < parts.length ? EVERY_POST : anyOf(parts);
    return selective.length === 0 ? EVERY_POST : allOf(selective);
  });
}

function indexableLeaf(leaf: SearchLeaf): SearchExpression {
  switch (leaf.kind) {
    case "term":
    case "all":
      return leaf;
    case "phrase":
      return allOf([...new Set(leaf.lexemes)].map(term));
    case "prefix": {
      const bucket = bucketOf(leaf.lexeme);
      return bucket === null ? EVERY_POST : anyOf([term(leaf.lexeme), term(bucket)]);
    }
  }
}

/** Whether a post with these lexemes satisfies the condition. */
export function evaluate(expression: SearchExpression, lexemes: Lexemes): boolean {
  return fold<boolean>(
    expression,
    (leaf) => evaluateLeaf(leaf, lexemes),
    (operation, parts) => {
      if (operation.kind === "not") return parts[0] === false;
      return operation.kind === "and" ? parts.every(Boolean) : parts.some(Boolean);
    },
  );
}

function evaluateLeaf(leaf: SearchLeaf, lexemes: Lexemes): boolean {
  switch (leaf.kind) {
    case "all":
      return true;
    case "term":
      return lexemes.has(leaf.lexeme);
    case "phrase":
      return hasPhrase(leaf.lexemes, lexemes);
    case "prefix":
      for (const lexeme of lexemes.keys()) if (lexeme.startsWith(leaf.lexeme)) return true;
      return false;
  }
}

function hasPhrase([first = "", ...rest]: readonly string[], lexemes: Lexemes): boolean {
  const following = rest.map((lexeme) => lexemes.get(lexeme) ?? []);
  return (lexemes.get(first) ?? []).some((position) =>
    following.every((positions, index) => positions.includes(position + index + 1)),
  );
}

function isLeaf(expression: SearchExpression): expression is SearchLeaf {
  return !("of" in expression);
}

interface Frame<T> {
  readonly operation: SearchOperation;
  readonly children: readonly SearchExpression[];
  readonly done: T[];
}

/** Computes a value of an expression from those of its parts, with an explicit stack. */
function fold<T>(
  expression: SearchExpression,
  valueOf: (leaf: SearchLeaf) => T,
  combine: (operation: SearchOperation, parts: readonly T[]) => T,
): T {
  const root: T[] = [];
  const stack: Frame<T>[] = [];
  const visit = (each: SearchExpression, into: T[]) => {
    if (isLeaf(each)) into.push(valueOf(each));
    else stack.push({ operation: each, children: each.kind === "not" ? [each.of] : each.of, done: [] });
  };
  visit(expression, root);
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const child = frame.children[frame.done.length];
    if (child !== undefined) visit(child, frame.done);
    else {
      stack.pop();
      (stack.at(-1)?.done ?? root).push(combine(frame.operation, frame.done));
    }
  }
  const [value] = root;
  if (value === undefined) throw new Error("An expression has one value.");
  return value;
}
