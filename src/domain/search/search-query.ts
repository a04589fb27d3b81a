import type { Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import { refuse, type Violation } from "../shared/violation.ts";

export const QUERY_MAX_LENGTH = 200;
/** The maximum number of terms of a query. */
export const MAX_QUERY_TERMS = 16;

/** A word, a connected token such as `nginx.conf`, or a phrase. */
export interface Clause {
  /** The ways to write it. Each is a list of lexemes that stand next to each other. The parts come first, then joined forms. */
  readonly forms: readonly (readonly string[])[];
  readonly isExcluded: boolean;
  /** Written between quotation marks: no prefix, and no typo. */
  readonly isQuoted: boolean;
  /** The last lexeme of each form may be the beginning of a longer word. */
  readonly isPrefix: boolean;
}

/** A parsed query. A post matches if it matches every clause of one of the alternatives. */
export type SearchQuery = Branded<
  {
    /** The trimmed text. */
    readonly text: string;
    readonly alternatives: readonly (readonly Clause[])[];
    /** All words in their order, operators such as `or` included. */
    readonly words: readonly string[];
  },
  "SearchQuery"
>;

export function parseSearchQuery(raw: string): Result<SearchQuery, Violation> {
  void raw;
  return refuse("blank");
}
