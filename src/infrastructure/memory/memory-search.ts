import type { Post } from "../../domain/post/post.ts";
import { similarWords, type ExcerptPart, type FoundPost, type SearchQuery } from "../../domain/post/post-search.ts";

/** A phrase that a post must contain, or must not contain. */
interface Term {
  readonly words: readonly string[];
  readonly isExcluded: boolean;
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const EXCERPT_WORDS = 25;
/** The minimum rank of a post that contains the words. Posts with a similar title rank below it. */
const MIN_WORDS_RANK = 1_000_000;
/** The minimum trigram similarity of a word and a title, from 0 to 1. About one letter of five may differ. */
const MIN_SIMILARITY = 0.5;

/**
 * Finds posts by whole words, without regard to case and accents, and by the trigrams of their titles, as PostgreSQL does.
 * Unlike PostgreSQL it does no stemming and has no stop words.
 */
export function findPosts(posts: readonly Post[], query: SearchQuery): FoundPost[] {
  const alternatives = termsOf(query);
  const alike = similarWords(query).map(trigramsOf);
  const wanted = new Set(alternatives.flat().flatMap(({ words, isExcluded }) => (isExcluded ? [] : words)));
  return posts.flatMap((post): FoundPost[] => {
    const [title, content] = [wordsOf(post.title), wordsOf(post.content)];
    const has = ({ words, isExcluded }: Term) => isExcluded !== (hasInRow(title, words) || hasInRow(content, words));
    const rank = alternatives.some((terms) => terms.every(has))
      ? MIN_WORDS_RANK + weight(title, content, wanted)
      : similarity(trigramsOf(post.title), alike);
    return rank === 0 ? [] : [{ ...post, rank, excerpt: excerptOf(post.content, wanted) }];
  });
}

/** The operands of `or`, parsed as PostgreSQL's `websearch_to_tsquery` does. An operand without a word is omitted. */
function termsOf(query: SearchQuery): readonly (readonly Term[])[] {
  const alternatives: Term[][] = [[]];
  for (const [, minus, phrase, word = ""] of query.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/g)) {
    if (phrase === undefined && /^or$/i.test(word) && minus === "") alternatives.push([]);
    else {
      const words = wordsOf(phrase ?? word);
      if (words.length > 0) alternatives.at(-1)?.push({ words, isExcluded: minus === "-" });
    }
  }
  return alternatives.filter((terms) => terms.length > 0);
}

function fold(text: string): string {
  return text.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

function wordsOf(text: string): string[] {
  return fold(text).match(WORD) ?? [];
}

function hasInRow(text: readonly string[], words: readonly string[]): boolean {
  return text.some((_, at) => words.every((word, index) => text[at + index] === word));
}

/** A match in the title weighs more than one in the content. A match in a short text weighs more than one in a long text. */
function weight(title: readonly string[], content: readonly string[], wanted: ReadonlySet<string>): number {
  const hits = (words: readonly string[]) => words.filter((word) => wanted.has(word)).length;
  const length = 1 + Math.log(1 + title.length + content.length);
  return Math.min(999_999, Math.round((10_000 * (2.5 * hits(title) + hits(content))) / length));
}

/** The trigrams of pg_trgm (PostgreSQL 18, F.35), which pads each word with two spaces before it and one after it. */
function trigramsOf(text: string): ReadonlySet<string> {
  const padded = wordsOf(text).map((word) => `  ${word} `);
  return new Set(padded.flatMap((word) => Array.from({ length: word.length - 2 }, (_, at) => word.slice(at, at + 3))));
}

/** The mean similarity of the words to a title, in thousandths; 0 if any of them is below the minimum. */
function similarity(title: ReadonlySet<string>, words: readonly ReadonlySet<string>[]): number {
  const shares = words.map((word) => [...word].filter((trigram) => title.has(trigram)).length / word.size);
  if (shares.length === 0 || Math.min(...shares) < MIN_SIMILARITY) return 0;
  return Math.round((1000 * shares.reduce((sum, share) => sum + share, 0)) / shares.length);
}

/** An excerpt of the content that begins a few words before the first match. */
function excerptOf(content: string, wanted: ReadonlySet<string>): ExcerptPart[] {
  const parts = content.split(/([\p{L}\p{M}\p{N}]+)/u);
  const isWanted = (part: string) => wordsOf(part).some((word) => wanted.has(word));
  const from = Math.max(0, parts.findIndex(isWanted) - 10);
  const shown = parts.slice(from, from + 2 * EXCERPT_WORDS).filter((part) => part !== "");
  const excerpt: ExcerptPart[] = [];
  for (const text of shown) {
    const [last, isMatch] = [excerpt.at(-1), isWanted(text)];
    if (last?.isMatch === isMatch) excerpt.splice(-1, 1, { text: last.text + text, isMatch });
    else excerpt.push({ text, isMatch });
  }
  return excerpt;
}
