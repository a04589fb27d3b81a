import { ok, type Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import type { Post } from "./post.ts";
import { textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/**
 * The query of a search, 1 to 200 characters, in the syntax of web search engines. A post must contain all words. `"…"` is a
 * phrase, `or` separates alternatives, and `-` before a word excludes it.
 */
export type SearchQuery = Branded<string, "SearchQuery">;

export const QUERY_MAX_LENGTH = 200;

/** Parses and trims a query. Fails with `blank`, `too_long`, `without_words`, or an error of {@link textOfLength}. */
export function parseSearchQuery(raw: string): Result<SearchQuery, Violation> {
  const query = raw.trim();
  if (query === "") return refuse("blank");
  return textOfLength(query, 1, QUERY_MAX_LENGTH).andThen((text) =>
    /[\p{L}\p{N}]/u.test(text) ? ok(text as SearchQuery) : refuse("without_words"),
  );
}

const MAX_SIMILAR_WORDS = 8;

/**
 * The words of a query that a title matches by similarity. A title must be similar to all of them. Short words are omitted,
 * because they have too few trigrams. A query with an operator, or with many words, has no such words.
 */
export function similarWords(query: SearchQuery): readonly string[] {
  if (/"|(?:^|\s)(?:-|or(?:\s|$))/i.test(query)) return [];
  const words = query.split(/[^\p{L}\p{M}\p{N}]+/u).filter((word) => word.length >= 4);
  return words.length > MAX_SIMILAR_WORDS ? [] : words;
}

/** A part of a post's content. `isMatch` is true for a word of the query. */
export interface ExcerptPart {
  readonly text: string;
  readonly isMatch: boolean;
}

/** A post that a search found. */
export type FoundPost = Post & {
  /** An integer from 0 to {@link MAX_RANK}; higher is better. Ranks of different searches are not comparable. */
  readonly rank: number;
  readonly excerpt: readonly ExcerptPart[];
};

export const MAX_RANK = 1_999_999;

/** The sort key of a found post: its rank as text of fixed length, so that code points compare like ranks. */
export function rankKey({ rank }: FoundPost): string {
  return String(rank).padStart(RANK_DIGITS, "0");
}

const RANK_DIGITS = String(MAX_RANK).length;

/** Whether {@link rankKey} could have returned this key. It rejects forged cursors. */
export function isRankKey(key: string | null): boolean {
  return key !== null && /^\d{7}$/.test(key) && Number(key) <= MAX_RANK;
}
