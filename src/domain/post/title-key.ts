import { digitOf, foldCase, withoutAccents } from "../shared/folding.ts";
import { firstCodePoints } from "../shared/text.ts";
import { MAX_TITLE_LENGTH, type PostTitle } from "./post.ts";

/**
 * The maximum number of code points of a key. It equals the maximum of a title, so that each bound on titles holds for keys
 * too. In UTF-8 a key has at most 1,200 bytes, half the maximum of a B-tree row (2,704 bytes; PostgreSQL 18, 65.1.4.1). Titles
 * with equal keys are ordered by their ids.
 */
export const MAX_TITLE_KEY_LENGTH = MAX_TITLE_LENGTH;

const WHITE_SPACE = /\p{White_Space}+/gu;
/** Quotation marks, brackets, dots and control characters before the first word. Symbols stay: an emoji can be a title. */
const LEADING_PUNCTUATION = /^[\p{P}\p{Z}\p{C}]+/u;
const NUMBER = /\p{Nd}+/gu;
const LEADING_ZEROS = /^0+(?=.)/;

/**
 * The sort key of a title, compared by code points. It folds case, accents and compatibility forms, removes leading
 * punctuation, and makes whole numbers compare by their value: `Äpfel` sorts next to `apple`, and `Post 9` before `Post 10`. A
 * title of punctuation alone keeps it. The key depends on Unicode properties and on no locale, so two runtimes
 * compute different keys only for characters that the Unicode version of one of them does not have. The time is linear in the
 * length of the title.
 */
export function titleSortKey(title: PostTitle): string {
  const folded = fold(firstCodePoints(title, MAX_TITLE_LENGTH));
  const compared = folded.replace(LEADING_PUNCTUATION, "").replace(NUMBER, comparableNumber);
  return firstCodePoints(compared || folded || title, MAX_TITLE_KEY_LENGTH);
}

function fold(title: string): string {
  return (
    foldCase(withoutAccents(title.normalize("NFKD")))
      .replace(WHITE_SPACE, " ")
      .trim()
      // A decomposed Hangul syllable has up to three code points, so the composed form saves space in the key.
      .normalize("NFC")
  );
}

/** The length of a number comes before its digits. From this length on it has {@link LENGTH_DIGITS} digits instead of one. */
const LONG_NUMBER_LENGTH = 9;
/** Enough, because NFKD makes a title at most 18 times as long, which is fewer than 10,000 digits. */
const LENGTH_DIGITS = 4;

/** A number with its length before it, so that the shorter of two numbers is less: `19` for 9, `210` for 10. */
function comparableNumber(number: string): string {
  const digits = Array.from(number, digitOf).join("").replace(LEADING_ZEROS, "");
  const { length } = digits;
  if (length < LONG_NUMBER_LENGTH) return `${length}${digits}`;
  return `${LONG_NUMBER_LENGTH}${String(length).padStart(LENGTH_DIGITS, "0")}${digits}`;
}
