import { editDistance } from "../shared/edit-distance.ts";
import { codePointCount } from "../shared/text.ts";
import { isDense } from "./lexemes.ts";

/** Shorter words have too many neighbours: `cat` and `car`. */
const MIN_TYPO_LENGTH = 4;
/** Words of this length and longer may have two typos. */
const TWO_TYPOS_LENGTH = 8;
/** The number of letters that are compared. It bounds the variants of a word: 1 + 15 + 105. */
const MAX_COMPARED_LENGTH = 16;

/** The number of typos that a word may have. Numbers and scripts without spaces have none. */
export function maxTypos(word: string): 0 | 1 | 2 {
  const length = codePointCount(word);
  if (length < MIN_TYPO_LENGTH || NOT_LETTERS.test(word) || isDense(word)) return 0;
  return length < TWO_TYPOS_LENGTH ? 1 : 2;
}

const NOT_LETTERS = /[^\p{L}\p{M}]/u;

/**
 * The variants of a word that show a typo: the word, and the word without one letter, or from 8 letters on without one or two
 * letters. Two words within that distance have a variant in common (the deletion neighbourhood of SymSpell). The first letter
 * stays, since people rarely mistype it.
 */
export function typoVariants(word: string): readonly string[] {
  const typos = maxTypos(word);
  if (typos === 0) return [];
  const letters = Array.from(word).slice(0, MAX_COMPARED_LENGTH);
  const variants = new Set([letters.join("")]);
  for (let first = 1; first < letters.length; first++) {
    const once = letters.toSpliced(first, 1);
    variants.add(once.join(""));
    if (typos === 1) continue;
    for (let second = first; second < once.length; second++) variants.add(once.toSpliced(second, 1).join(""));
  }
  return [...variants];
}

/** Whether two different words differ only by the typos that the first may have. */
export function isTypoOf(word: string, other: string): boolean {
  const max = maxTypos(word);
  if (max === 0 || maxTypos(other) === 0 || word[0] !== other[0] || Math.abs(word.length - other.length) > 2 * max) {
    return false;
  }
  return editDistance(Array.from(word), Array.from(other), max) <= max;
}
