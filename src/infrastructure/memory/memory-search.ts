import type { Post } from "../../domain/post/post.ts";
import { similarWords, type ExcerptPart, type FoundPost, type SearchQuery } from "../../domain/post/post-search.ts";

/** Words in a row that must be there, or must not. */
interface Term {
  readonly words: readonly string[];
  readonly isExcluded: boolean;
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const EXCERPT_WORDS = 25;
/** Posts that contain the words rank from here on, before all whose title is merely similar. */
const MIN_WORDS_RANK = 1_000_000;
/** How similar to a word a title must be, by their trigrams, from 0 to 1: one letter of five may differ. */
const MIN_SIMILARITY = 0.5;

/**
 * Finds posts by whole words, in any case and with or without accents, and by the trigrams of their titles, as PostgreSQL
 * does; unlike there a word is found in no other form of it, and none is too common to be looked for.
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

/** The sides of each `or`, as PostgreSQL's `websearch_to_tsquery` reads them; none without a word. */
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

/** A word of a title tells more than one of the content, and one of a short text more than one of a long one. */
function weight(title: readonly string[], content: readonly string[], wanted: ReadonlySet<string>): number {
  const hits = (words: readonly string[]) => words.filter((word) => wanted.has(word)).length;
  const length = 1 + Math.log(1 + title.length + content.length);
  return Math.min(999_999, Math.round((10_000 * (2.5 * hits(title) + hits(content))) / length));
}

/** As pg_trgm has them (PostgreSQL 18, F.35): of each word, with two spaces before it and one after. */
function trigramsOf(text: string): ReadonlySet<string> {
  const padded = wordsOf(text).map((word) => `  ${word} `);
  return new Set(padded.flatMap((word) => Array.from({ length: word.length - 2 }, (_, at) => word.slice(at, at + 3))));
}

/** In thousandths, the mean over words; 0 where one of them has nothing similar. */
function similarity(title: ReadonlySet<string>, words: readonly ReadonlySet<string>[]): number {
  const shares = words.map((word) => [...word].filter((trigram) => title.has(trigram)).length / word.size);
  if (shares.length === 0 || Math.min(...shares) < MIN_SIMILARITY) return 0;
  return Math.round((1000 * shares.reduce((sum, share) => sum + share, 0)) / shares.length);
}

/** Some words of the content from a little before the first that was wanted. */
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
