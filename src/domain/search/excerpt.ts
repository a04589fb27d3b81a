import { CharacterClass, classOf, codePointAt } from "./characters.ts";
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
/** The maximum number of windows of a content that are analysed for a match, 10,240 code units. It bounds an excerpt to about 0.5 ms. */
const MAX_WINDOWS = 5;

/**
 * An excerpt of the content: up to two fragments of about 25 words around the matches, with ` … ` between them, or the whole of a
 * short content. Every match in them is marked, in the spelling of the content. Without a match it is the beginning of the
 * content. The time is bounded, and most of a long content is not read.
 */
export function excerptOf(content: string, query: SearchQuery): readonly ExcerptPart[] {
  const window = windowWithMatch(content, matcherOf(query));
  return partsOf(window, fragmentsOf(window));
}

/** An analysed part of a content. Offsets are those of its text. */
interface Window {
  readonly text: string;
  /** Where it ends in the content. */
  readonly end: number;
  readonly isWhole: boolean;
  /** The words and bigrams one after the other, without joined terms. */
  readonly words: readonly Token[];
  readonly matches: readonly Span[];
}

/** The first window with a match, or else the beginning. */
function windowWithMatch(content: string, matcher: Matcher): Window {
  const first = windowAt(content, 0, matcher);
  let window = first;
  for (let count = 1; count < MAX_WINDOWS && window.matches.length === 0; count++) {
    const next = nextWindow(content, window.end, matcher);
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
  return found === null ? from : Math.max(from, boundaryBefore(content, found.index - MAX_LEAD_LENGTH));
}

function windowAt(content: string, from: number, matcher: Matcher): Window {
  const end = boundaryBefore(content, from + WINDOW_LENGTH);
  const text = content.slice(from, end);
  const tokens = analyse(text);
  const matches = matchesIn(text, tokens, matcher);
  return { text, end, isWhole: text.length === content.length, words: wordsOf(tokens), matches };
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

function sizeOf(word: Token | undefined): number {
  return word === undefined ? 0 : word.kind === "bigram" ? 1 : 2;
}

/** The maximum distance from a bound of a window to white space or to the beginning of a word. A longer word is cut. */
const MAX_MOVED = 128;

/** A bound of a window: white space if possible, or else an offset that is not inside of a word. */
function boundaryBefore(content: string, end: number): number {
  if (end >= content.length) return content.length;
  for (let at = end; at > end - MAX_MOVED; at--) if (/\s/.test(content.charAt(at))) return at;
  for (let at = end; at > end - MAX_MOVED; at--)
    if (!isWord(content, at - 1) || !isWord(content, at)) return betweenCharacters(content, at);
  return betweenCharacters(content, end);
}

function isWord(text: string, at: number): boolean {
  return classOf(codePointAt(text, at)) === CharacterClass.word;
}

/** An offset that does not split a surrogate pair: this one, or the one before it. */
function betweenCharacters(text: string, at: number): number {
  const isInPair = /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
  return isInPair ? at - 1 : at;
}

function fragmentsOf(window: Window): readonly Span[] {
  const { text, words, matches, isWhole } = window;
  const isShort = isWhole && text.length <= 2 * MAX_FRAGMENT_LENGTH;
  if (isShort && words.reduce((sum, word) => sum + sizeOf(word), 0) <= 2 * FRAGMENT_SIZE) {
    return [{ start: 0, end: text.length }];
  }
  const first = fragmentAt(window, matches[0]?.start ?? 0, 0);
  const rest = matches.find(({ start }) => start >= first.end);
  if (rest === undefined) return [first];
  const second = fragmentAt(window, rest.start, first.end);
  return second.start === first.end ? [{ start: first.start, end: second.end }] : [first, second];
}

/** A fragment with the word at an offset, and a few words before it, but none before `min`. */
function fragmentAt(window: Window, at: number, min: number): Span {
  const { text, words } = window;
  const matched = Math.max(
    0,
    words.findIndex(({ end }) => end > at),
  );
  const isBefore = (index: number) => index < 0 || (words[index]?.start ?? 0) < min;
  let [first, size] = [matched, sizeOf(words[matched])];
  for (let lead = 0; !isBefore(first - 1); first--) {
    lead += sizeOf(words[first - 1]);
    if (lead > LEAD_SIZE) break;
    size += sizeOf(words[first - 1]);
  }
  let last = matched;
  while (last + 1 < words.length && size < FRAGMENT_SIZE) size += sizeOf(words[++last]);
  // A fragment does not begin or end inside of a word such as `don't`.
  for (let parts = 0; parts < MAX_PARTS && !isBefore(first - 1) && isConnected(window, first); parts++) first--;
  for (let parts = 0; parts < MAX_PARTS && isConnected(window, last + 1); parts++) last++;
  // The punctuation before the first word and after the last one belongs to the fragment.
  const start = Math.max(isBefore(first - 1) ? min : (words[first]?.start ?? 0), at - MAX_LEAD_LENGTH);
  const end = last + 1 < words.length ? (words[last]?.end ?? 0) : text.length;
  return {
    start: betweenCharacters(text, start),
    end: betweenCharacters(text, Math.min(end, start + MAX_FRAGMENT_LENGTH)),
  };
}

/** The number of connected words by which a fragment may grow at each end. */
const MAX_PARTS = 4;

/** Whether one character other than white space is between a word and the one before it. */
function isConnected({ text, words }: Window, index: number): boolean {
  const [before, word] = [words[index - 1], words[index]];
  if (before === undefined || word === undefined || word.kind === "bigram") return false;
  return word.start - before.end === 1 && !/\s/.test(text.charAt(before.end));
}

function partsOf({ text, matches }: Window, fragments: readonly Span[]): readonly ExcerptPart[] {
  const parts: ExcerptPart[] = [];
  const add = (part: string, isMatch: boolean) => {
    const last = parts.at(-1);
    if (part === "") return;
    if (last?.isMatch === isMatch) parts.splice(-1, 1, { text: last.text + part, isMatch });
    else parts.push({ text: part, isMatch });
  };
  fragments.forEach(({ start, end }, index) => {
    if (index > 0) add(BETWEEN_FRAGMENTS, false);
    let at = start;
    for (const match of matches) {
      const [from, to] = [Math.max(at, match.start), Math.min(end, match.end)];
      if (from >= to) continue;
      add(text.slice(at, from), false);
      add(text.slice(from, to), true);
      at = to;
    }
    add(text.slice(at, end), false);
  });
  return parts;
}
