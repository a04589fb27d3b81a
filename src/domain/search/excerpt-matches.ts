import { denseUnits } from "./folded-term.ts";
import { isLoneCharacter } from "./lexemes.ts";
import { isPrefixForm, type SearchQuery } from "./search-query.ts";
import type { Token } from "./text-analysis.ts";

/** A part of a text, as offsets in UTF-16 code units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

interface Phrase {
  readonly words: readonly string[];
  /** Whether the last word may be the beginning of a longer one. */
  readonly isPrefix: boolean;
}

/** The terms of a query that an excerpt marks. */
export interface Matcher {
  readonly terms: ReadonlySet<string>;
  readonly prefixes: readonly string[];
  readonly phrases: readonly Phrase[];
  /** Single characters of scripts without spaces. */
  readonly characters: readonly string[];
  /** Finds where a match may begin, without analysis; `null` if a word has a letter that is not ASCII. */
  readonly locator: RegExp | null;
}

const MATCHERS = new WeakMap<SearchQuery, Matcher>();

/** The matcher of a query, made once for all posts of a page. */
export function matcherOf(query: SearchQuery): Matcher {
  const known = MATCHERS.get(query);
  if (known !== undefined) return known;
  const made = makeMatcher(query);
  MATCHERS.set(query, made);
  return made;
}

function makeMatcher(query: SearchQuery): Matcher {
  const [terms, prefixes, phrases, characters] = [new Set<string>(), [] as string[], [] as Phrase[], [] as string[]];
  const addForm = (words: readonly string[], isPrefix: boolean) => {
    const lone = words.filter(isLoneCharacter);
    characters.push(...lone);
    if (lone.length === 0 && words.length > 1) phrases.push({ words, isPrefix });
    else if (isPrefix) prefixes.push(...words);
    else for (const word of words) terms.add(word);
  };
  for (const clause of query.alternatives.flat()) {
    if (clause.isExcluded) continue;
    for (const form of clause.forms) addForm(form, isPrefixForm(clause, form));
  }
  const words = [...terms, ...prefixes, ...phrases.flatMap((phrase) => phrase.words), ...characters];
  const isAscii = words.every((word) => /^[a-z\d]+$/.test(word));
  return {
    terms,
    prefixes,
    phrases,
    characters,
    locator: isAscii ? new RegExp(`\\b(?:${words.join("|")})`, "gi") : null,
  };
}

/** The matches in a text, in order, without overlaps. */
export function matchesIn(text: string, tokens: readonly Token[], matcher: Matcher): readonly Span[] {
  const { terms, prefixes, phrases, characters } = matcher;
  const starts = new Set<number>();
  const spans: Span[] = tokens.filter((token) => {
    // A joined term that only begins like a word: its first part does so, too. In `engine's`, `engine` is the match.
    const isMarked = token.kind === "joined" && starts.has(token.start);
    const isMatch = terms.has(token.term) || (!isMarked && hasPrefix(token, prefixes));
    if (isMatch) starts.add(token.start);
    return isMatch;
  });
  if (phrases.length > 0) spans.push(...phraseSpans(tokens, phrases));
  if (characters.length > 0) spans.push(...characterSpans(text, tokens, characters));
  return merged(spans);
}

function hasPrefix({ term, kind }: Token, prefixes: readonly string[]): boolean {
  return kind !== "symbol" && prefixes.some((prefix) => term.startsWith(prefix));
}

/** The words of each phrase, where they stand next to each other. */
function phraseSpans(tokens: readonly Token[], phrases: readonly Phrase[]): readonly Span[] {
  const byPosition = new Map<number, Token[]>();
  for (const token of tokens) {
    const others = byPosition.get(token.position);
    if (others === undefined) byPosition.set(token.position, [token]);
    else others.push(token);
  }
  return phrases.flatMap(({ words: [first, ...rest], isPrefix }) =>
    tokens.flatMap((token) => {
      if (token.term !== first) return [];
      const found = [token];
      for (const word of rest) {
        const { position, span } = found.at(-1) ?? token;
        const isWord = ({ term }: Token) =>
          isPrefix && found.length === rest.length ? term.startsWith(word) : term === word;
        const next = byPosition.get(position + span)?.find(isWord);
        if (next === undefined) return [];
        found.push(next);
      }
      return found;
    }),
  );
}

/** The letters of the bigrams that the query has, compared in their folded forms: `カ` is in `ガラス`. */
function characterSpans(text: string, tokens: readonly Token[], characters: readonly string[]): readonly Span[] {
  return tokens
    .filter(({ kind, term }) => kind === "bigram" && characters.some((character) => term.includes(character)))
    .flatMap(({ start, end }) => denseUnits(text, start, end))
    .filter(({ term }) => characters.includes(term));
}

function merged(spans: Span[]): readonly Span[] {
  const inOrder = spans.toSorted((a, b) => a.start - b.start || b.end - a.end);
  const result: Span[] = [];
  for (const span of inOrder) {
    const last = result.at(-1);
    if (last === undefined || span.start >= last.end) result.push(span);
    else if (span.end > last.end) result.splice(-1, 1, { start: last.start, end: span.end });
  }
  return result;
}
