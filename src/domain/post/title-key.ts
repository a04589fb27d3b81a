import { TITLE_MAX_LENGTH, type PostTitle } from "./post.ts";

/**
 * The maximum number of code points of a key. It equals the maximum of a title, so that each bound on titles holds for keys
 * too. In UTF-8 a key has at most 1,200 bytes, half the maximum of a B-tree row (2,704 bytes; PostgreSQL 18, 65.1.4.1). Titles
 * with equal keys are ordered by their ids.
 */
export const MAX_TITLE_KEY_LENGTH = TITLE_MAX_LENGTH;

/**
 * Diacritics of Latin, Greek, Cyrillic and kana, and the vowel points of Hebrew and Arabic. Marks of other scripts are
 * letters to their readers, such as the vowel signs of Devanagari and Thai.
 */
const ACCENTS = /(?=\p{M})[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}]/gu;
/** Invisible characters: soft hyphens, joiners, variation selectors, byte order marks. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
const WHITE_SPACE = /\p{White_Space}+/gu;
/** Quotation marks, brackets, dots and control characters before the first word. Symbols stay: an emoji can be a title. */
const LEADING_PUNCTUATION = /^[\p{P}\p{Z}\p{C}]+/u;
const NUMBER = /\p{Nd}+/gu;
const LEADING_ZEROS = /^0+(?=.)/;

/** Letters with a stroke and ligatures, which Unicode does not decompose, with the letters that readers sort them by. */
const UNDECOMPOSED: Readonly<Record<string, string>> = {
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  ħ: "h",
  ł: "l",
  þ: "th",
  // Sigma at the end of a word.
  ς: "σ",
};
const IS_UNDECOMPOSED = /[æœøđðħłþς]/gu;

/**
 * The sort key of a title, compared by code points. It folds case, accents and compatibility forms, removes leading
 * punctuation, and makes whole numbers compare by their value: `Äpfel` sorts next to `apple`, and `Post 9` before `Post 10`. A
 * title of punctuation alone keeps it. The key depends on Unicode properties and on no locale, so every runtime computes the
 * same key. The time is linear in the length of the title.
 */
export function titleSortKey(title: PostTitle): string {
  const folded = fold(firstCodePoints(title, TITLE_MAX_LENGTH));
  const compared = folded.replace(LEADING_PUNCTUATION, "").replace(NUMBER, comparableNumber);
  return firstCodePoints(compared || folded || title, MAX_TITLE_KEY_LENGTH);
}

function fold(title: string): string {
  return (
    title
      .normalize("NFKD")
      .replace(ACCENTS, "")
      .replace(INVISIBLE, "")
      // Upper case comes first, because it maps `ß` to `SS` and `ı` to `I`.
      .toUpperCase()
      .toLowerCase()
      .replace(IS_UNDECOMPOSED, (letter) => UNDECOMPOSED[letter] ?? letter)
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

const DIGIT = /^\p{Nd}$/u;

/** The value of a decimal digit of any script. The ten digits of a script are consecutive (The Unicode Standard, 4.6). */
function digitOf(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && DIGIT.test(String.fromCodePoint(codePoint - value - 1))) value++;
  return value;
}

/** The first code points of a text. It never splits a surrogate pair. */
function firstCodePoints(text: string, count: number): string {
  // A code point has one or two units.
  if (text.length <= count) return text;
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join("");
}
