import { ok, type Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import type { Post } from "./post.ts";
import { textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/**
 * What posts are searched for, 1 to 200 characters: words that all must be there, as people type them into a search
 * engine. `"…"` are words in a row, `or` is one side or the other, and `-` before a word is that it must not be there.
 */
export type SearchQuery = Branded<string, "SearchQuery">;

export const QUERY_MAX_LENGTH = 200;

/** Reads a query, without the white space around it. Fails with `blank`, `too_long`, `without_words` or what no text may hold. */
export function parseSearchQuery(raw: string): Result<SearchQuery, Violation> {
  const query = raw.trim();
  if (query === "") return refuse("blank");
  return textOfLength(query, 1, QUERY_MAX_LENGTH).andThen((text) =>
    /[\p{L}\p{N}]/u.test(text) ? ok(text as SearchQuery) : refuse("without_words"),
  );
}

const MAX_SIMILAR_WORDS = 8;

/**
 * The words that a title answers with similar ones, all of them: those long enough to be told by their trigrams. None where
 * the query says exactly what must be there or must not be, or has very many.
 */
export function similarWords(query: SearchQuery): readonly string[] {
  if (/"|(?:^|\s)(?:-|or(?:\s|$))/i.test(query)) return [];
  const words = query.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word.length >= 4);
  return words.length > MAX_SIMILAR_WORDS ? [] : words;
}

/** How similar to a word a title must be, by their trigrams, from 0 to 1: a letter of five may be another. */
export const MIN_SIMILARITY = 0.5;

/**
 * So many posts are ranked at most, those with the greatest ids of all that have the words: what a search costs is bounded
 * by this, however many they are.
 */
export const MAX_RANKED = 1_000;

/** Posts that have the words rank from here on, before all whose title is merely similar. */
export const MIN_WORDS_RANK = 1_000_000;

/** Text of a post's content; what matches is where it has the words that were searched for. */
export interface ExcerptPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** A post that a search has found. */
export type FoundPost = Post & {
  /** How well it answers, a whole number below 2,000,000. */
  readonly rank: number;
  readonly excerpt: readonly ExcerptPart[];
};

/** The place of a post by its rank, as text whose order by code points is that of the ranks. */
export function rankKey({ rank }: FoundPost): string {
  return String(rank).padStart(7, "0");
}

/** Whether a text is a key that {@link rankKey} could have given. */
export function isRankKey(key: string | null): boolean {
  return key !== null && /^[01]\d{6}$/.test(key);
}
