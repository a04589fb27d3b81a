import { matcherOf, matchesIn, type Matcher, type Span } from "./excerpt-matches.ts";
import type { SearchQuery } from "./search-query.ts";
import { analyse, MAX_ANALYSED_LENGTH, type Token } from "./text-analysis.ts";

/** A part of a post's content. `isMatch` is true for a word of the query. */
export interface ExcerptPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** The size of a fragment: 25 words, or 50 characters of a script without spaces. A word has size 2. */
const FRAGMENT_SIZE = 50;
/** The size of the words before the first match of a fragment. */
const LEAD_SIZE = 12;
/** The maximum length of a fragment in UTF-16 code units, for texts with long words. */
const MAX_FRAGMENT_LENGTH = 500;
/** The maximum length before the first match of a fragment. */
const MAX_LEAD_LENGTH = 150;
const BETWEEN_FRAGMENTS = " … ";

/** The number of UTF-16 code units that are analysed at once, in about 0.1 ms. The first windows of most posts have a match. */
const WINDOW_LENGTH = 2_048;
/** The maximum number of windows of a content that are analysed for a match. It bounds an excerpt to about a millisecond. */
const MAX_WINDOWS = 8;

/**
 * An excerpt of the content: up to two fragments of about 25 words around the matches, with ` … ` between them, or the whole of a
 * short content. Every match in them is marked, in the spelling of the content. Without a match it is the beginning of the
 * content. The time is bounded, and most of a long content is not read.
 */
export function excerptOf(content: string, query: SearchQuery): readonly ExcerptPart[] {
  const window = windowWithMatch(content, matcherOf(query));
  return partsOf(content, window.matches, fragmentsOf(content, window));
}

/** An analysed part of a content. All offsets are those of the content. */
interface Window {
  readonly from: number;
  readonly to: number;
  /** The words and bigrams one after the other, without joined terms. */
  readonly words: readonly Word[];
  readonly matches: readonly Span[];
}

interface Word extends Span {
  readonly size: number;
}

/** The first window with a match, or else the beginning. */
function windowWithMatch(content: string, matcher: Matcher): Window {
  const first = windowAt(content, 0, matcher);
  let window = first;
  for (let count = 1; count < MAX_WINDOWS && window.matches.length === 0; count++) {
    const next = nextWindow(content, window.to, matcher);
    if (next === null) return first;
    window = windowAt(content, next, matcher);
  }
  return window.matches.length === 0 ? first : window;
}

/** Where the next window begins: before the next place where a match may be. */
function nextWindow(content: string, from: number, { locator }: Matcher): number | null {
  if (from >= content.length || from >= MAX_ANALYSED_LENGTH) return null;
  if (locator === null) return from;
  locator.lastIndex = from;
  const found = locator.exec(content.slice(0, MAX_ANALYSED_LENGTH));
  return found === null ? from : Math.max(from, found.index - MAX_LEAD_LENGTH);
}

function windowAt(content: string, from: number, matcher: Matcher): Window {
  const to = boundaryBefore(content, from + WINDOW_LENGTH);
  const text = content.slice(from, to);
  const tokens = analyse(text);
  const inContent = ({ start, end }: Span) => ({ start: start + from, end: end + from });
  return {
    from,
    to,
    words: wordsOf(tokens).map((token) => ({ ...inContent(token), size: token.kind === "bigram" ? 1 : 2 })),
    matches: matchesIn(text, tokens, matcher).map(inContent),
  };
}

/** One token for each position. */
function wordsOf(tokens: readonly Token[]): readonly Token[] {
  let next = 0;
  return tokens.filter(({ position, span }) => {
    const isNext = span === 1 && position >= next;
    if (isNext) next = position + 1;
    return isNext;
  });
}

/** How far a window is shortened so that it ends at white space. */
const MAX_SHORTENED = 128;

function boundaryBefore(content: string, end: number): number {
  if (end >= content.length) return content.length;
  for (let at = end; at > end - MAX_SHORTENED; at--) if (/\s/.test(content.charAt(at))) return at;
  return betweenCharacters(content, end);
}

/** An offset that does not split a surrogate pair: this one, or the one before it. */
function betweenCharacters(text: string, at: number): number {
  const isInPair = /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
  return isInPair ? at - 1 : at;
}

function fragmentsOf(content: string, window: Window): readonly Span[] {
  const { from, to, words, matches } = window;
  const size = words.reduce((sum, word) => sum + word.size, 0);
  const isShort = from === 0 && to === content.length && to <= 2 * MAX_FRAGMENT_LENGTH;
  if (isShort && size <= 2 * FRAGMENT_SIZE) return [{ start: 0, end: to }];
  const first = fragmentAt(content, window, matches[0]?.start ?? from, from);
  const rest = matches.find(({ start }) => start >= first.end);
  if (rest === undefined) return [first];
  const second = fragmentAt(content, window, rest.start, first.end);
  return second.start === first.end ? [{ start: first.start, end: second.end }] : [first, second];
}

/** A fragment with the word at an offset, and a few words before it, but none before `min`. */
function fragmentAt(content: string, { from, to, words }: Window, at: number, min: number): Span {
  const matched = Math.max(
    0,
    words.findIndex(({ end }) => end > at),
  );
  let [first, size] = [matched, words[matched]?.size ?? 0];
  for (let lead = 0; first > 0 && (words[first - 1]?.start ?? 0) >= min; first--) {
    lead += words[first - 1]?.size ?? 0;
    if (lead > LEAD_SIZE) break;
    size += words[first - 1]?.size ?? 0;
  }
  let last = matched;
  while (last + 1 < words.length && size < FRAGMENT_SIZE) size += words[++last]?.size ?? 0;
  // The punctuation before the first word and after the last one belongs to the fragment.
  const isFirst = first === 0 || (words[first - 1]?.start ?? 0) < min;
  const start = Math.max(isFirst ? min : (words[first]?.start ?? from), at - MAX_LEAD_LENGTH);
  const end = last + 1 < words.length ? (words[last]?.end ?? to) : to;
  return {
    start: betweenCharacters(content, start),
    end: betweenCharacters(content, Math.min(end, start + MAX_FRAGMENT_LENGTH)),
  };
}

function partsOf(content: string, matches: readonly Span[], fragments: readonly Span[]): readonly ExcerptPart[] {
  const parts: ExcerptPart[] = [];
  const add = (text: string, isMatch: boolean) => {
    const last = parts.at(-1);
    if (text === "") return;
    if (last?.isMatch === isMatch) parts.splice(-1, 1, { text: last.text + text, isMatch });
    else parts.push({ text, isMatch });
  };
  fragments.forEach(({ start, end }, index) => {
    if (index > 0) add(BETWEEN_FRAGMENTS, false);
    let at = start;
    for (const match of matches) {
      const [from, to] = [Math.max(at, match.start), Math.min(end, match.end)];
      if (from >= to) continue;
      add(content.slice(at, from), false);
      add(content.slice(from, to), true);
      at = to;
    }
    add(content.slice(at, end), false);
  });
  return parts;
}
