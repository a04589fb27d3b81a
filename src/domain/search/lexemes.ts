import { codePointCount, firstCodePoints } from "../shared/text.ts";
import { CharacterClass, classOf, codePointAt } from "./characters.ts";

/**
 * The lexemes that stand for terms in an index. The analysis never emits a term that begins with one of these characters, so they
 * are namespaces: `=` for the words of the title, `^` for the beginnings of words, `~` for the typo variants of a title.
 */
const [TITLE, BEGINNING, VARIANT] = ["=", "^", "~"];

/** The lengths of the beginnings that are indexed, in code points. The longest one that fits selects the fewest posts. */
export const BEGINNING_LENGTHS = [5, 4, 3] as const;

/** The lexeme of a term in the title. */
export function titleLexeme(lexeme: string): string {
  return TITLE + lexeme;
}

/** The lexeme of the beginning of words. */
export function beginningLexeme(beginning: string): string {
  return BEGINNING + beginning;
}

/** The lexeme of a typo variant of a word in the title. */
export function variantLexeme(variant: string): string {
  return VARIANT + variant;
}

/** The beginnings of a term that are indexed. */
export function beginningsOf(term: string): readonly string[] {
  return BEGINNING_LENGTHS.flatMap((length) => {
    const beginning = firstCodePoints(term, length);
    return codePointCount(beginning) === length ? [beginning] : [];
  });
}

/** The lexeme that every word with this beginning has; `null` if the beginning is too short. Both may be of the title. */
export function bucketOf(prefix: string): string | null {
  const isOfTitle = prefix.startsWith(TITLE);
  const [beginning] = beginningsOf(isOfTitle ? prefix.slice(TITLE.length) : prefix);
  if (beginning === undefined) return null;
  const lexeme = beginningLexeme(beginning);
  return isOfTitle ? titleLexeme(lexeme) : lexeme;
}

/** Whether a term is of a script without spaces between words. */
export function isDense(term: string): boolean {
  const found = classOf(codePointAt(term, 0));
  return found === CharacterClass.dense || found === CharacterClass.denseTail;
}

/** Whether a term is a single character of a script without spaces. */
export function isLoneCharacter(term: string): boolean {
  return isDense(term) && codePointCount(term.replace(MARKS, "")) === 1;
}

const MARKS = /\p{M}/gu;
