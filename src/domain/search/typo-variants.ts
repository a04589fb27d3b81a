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
  return distance(Array.from(word), Array.from(other), max) <= max;
}

/**
 * The number of letters to insert, delete, replace, or swap with the next one (optimal string alignment). More than `max` is
 * reported as `max + 1`.
 */
function distance(a: readonly string[], b: readonly string[], max: number): number {
  if (Math.abs(a.length - b.length) > max) return max + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      const [removed = 0, added = 0, replaced = 0] = [last[j], row[j - 1], last[j - 1]];
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? (beforeLast[j - 2] ?? 0) + 1 : max + 1;
      row.push(Math.min(removed + 1, added + 1, replaced + cost, swapped));
    }
    if (Math.min(...row) > max) return max + 1;
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? max + 1;
}
