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

/** Text of a post's content; what matches is where it has the words that were searched for. */
export interface ExcerptPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** A post that a search found. */
export type FoundPost = Post & {
  /** A whole number from 0 to {@link MAX_RANK}; the greater is the better. Ranks of two searches do not compare. */
  readonly rank: number;
  readonly excerpt: readonly ExcerptPart[];
};

export const MAX_RANK = 1_999_999;

/** The key of a found post, as text whose order by code points is the order of ranks. */
export function rankKey({ rank }: FoundPost): string {
  return String(rank).padStart(RANK_DIGITS, "0");
}

const RANK_DIGITS = String(MAX_RANK).length;

/** Whether {@link rankKey} could have returned this key, so that a forged cursor is rejected. */
export function isRankKey(key: string | null): boolean {
  return key !== null && /^\d{7}$/.test(key) && Number(key) <= MAX_RANK;
}
