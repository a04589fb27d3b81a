import { firstCodePoints } from "../shared/text.ts";
import { indexedTerms } from "./indexed-terms.ts";
import { isLoneCharacter } from "./lexemes.ts";
import { evaluate, textClause, typoWordOf, type Lexemes } from "./search-expression.ts";
import type { Clause, SearchQuery } from "./search-query.ts";
import { analyse, type Token } from "./text-analysis.ts";
import { isTypoOf } from "./typo-variants.ts";

/** The maximum number of UTF-16 code units of a content that are compared. It takes about a millisecond. */
export const MAX_COMPARED_CONTENT = 16_384;

/**
 * Whether each word of the query is in the post, perhaps with a typo: within a distance of 1, or of 2 from eight letters on, of a
 * word with the same first letter in the title, or with the same first three letters in the content. It verifies the hits of
 * `typoExpression` and `textTypoExpression`, and reads only the beginning of the content: {@link MAX_COMPARED_CONTENT}.
 */
export function isTypoMatch(
  query: SearchQuery,
  { title, content }: { readonly title: string; readonly content: string },
): boolean {
  const titleTokens = analyse(title);
  const [clauses = []] = query.alternatives;
  const remaining = clauses.filter((clause) => !hasTypo(clause, titleTokens, SAME_LETTERS_IN_TITLE));
  if (remaining.length === 0) return true;
  const compared = content.slice(0, MAX_COMPARED_CONTENT);
  const tokens = [...titleTokens, ...analyse(compared)];
  const unmatched = remaining.filter(
    (clause) => !hasWord(clause, tokens) && !hasTypo(clause, tokens, SAME_LETTERS_IN_CONTENT),
  );
  if (unmatched.some(({ forms }) => forms.every(isPlainWord))) return false;
  if (unmatched.length === 0) return true;
  const lexemes = lexemesOf(title, compared);
  return unmatched.every((clause) => evaluate(textClause(clause), lexemes));
}

const SAME_LETTERS_IN_TITLE = 1;
/** The shortest beginning that is indexed. */
const SAME_LETTERS_IN_CONTENT = 3;

/** Whether a form needs no lexemes: it is one word, but not a single character, which is found in bigrams. */
function isPlainWord([word = "", ...others]: readonly string[]): boolean {
  return others.length === 0 && !isLoneCharacter(word);
}

/** Whether a word of a form of one word is in the text. Phrases need the positions of an index. */
function hasWord({ forms, isPrefix }: Clause, tokens: readonly Token[]): boolean {
  return forms.some(
    ([word = "", ...others]) =>
      others.length === 0 && tokens.some(({ term }) => term === word || (isPrefix && term.startsWith(word))),
  );
}

function hasTypo(clause: Clause, tokens: readonly Token[], sameLetters: number): boolean {
  const word = typoWordOf(clause);
  if (word === null) return false;
  const beginning = firstCodePoints(word, sameLetters);
  return tokens.some(({ term }) => term.startsWith(beginning) && (term === word || isTypoOf(word, term)));
}

function lexemesOf(title: string, content: string): Lexemes {
  return new Map(indexedTerms({ title, content }).map(({ lexeme, positions }) => [lexeme, positions]));
}
