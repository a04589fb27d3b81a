import { TITLE_MAX_LENGTH, type PostTitle } from "./post.ts";

/**
 * Code points of a key: as many as a title has, so that each bound on titles holds for keys too. In UTF-8 a key has at most
 * 1,200 bytes, half of what a row of a B-tree may have (2,704 bytes; PostgreSQL 18, 65.1.4.1). Titles that differ later
 * than this are ordered by their ids.
 */
export const MAX_TITLE_KEY_LENGTH = TITLE_MAX_LENGTH;

/**
 * Diacritics of Latin, Greek, Cyrillic and kana, and the vowel points of Hebrew and Arabic. Marks of other scripts are
 * letters to their readers, such as the vowel signs of Devanagari and Thai.
 */
const ACCENTS = /(?=\p{M})[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}]/gu;
/** Characters without a form of their own: soft hyphens, joiners, variation selectors, byte order marks. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
const WHITE_SPACE = /\p{White_Space}+/gu;
/** Quotation marks, brackets, dots and control characters before the first word. Symbols stay: an emoji can be a title. */
const LEADING_PUNCTUATION = /^[\p{P}\p{Z}\p{C}]+/u;
const NUMBER = /\p{Nd}+/gu;
const LEADING_ZEROS = /^0+(?=.)/;

/** Letters with a stroke and ligatures, which Unicode does not decompose. Readers look for them beside these. */
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
 * The text by which lists order a title, by code points. Folds case, accents and forms of characters, takes leading punctuation away, and makes whole numbers compare by their
 * value: `Äpfel` is beside `apple`, and `Post 9` before `Post 10`. A title with nothing else keeps its punctuation. It uses
 * properties of Unicode and no locale, so that each runtime makes the same key; its time is linear in the title's length.
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
      // Upper case first: `ß` is `SS` there, and `ı` is `I`.
      .toUpperCase()
      .toLowerCase()
      .replace(IS_UNDECOMPOSED, (letter) => UNDECOMPOSED[letter] ?? letter)
      .replace(WHITE_SPACE, " ")
      .trim()
      // A syllable of Hangul is three code points when it is decomposed; composed, it takes less of the key.
      .normalize("NFC")
  );
}

/** From so many digits on, a number has its length in {@link LENGTH_DIGITS} digits before it, and not in one. */
const LONG_NUMBER_LENGTH = 9;
/** A title that NFKD has made 18 times as long, which is the most, has fewer than 10,000 digits. */
const LENGTH_DIGITS = 4;

/** The digits of a number after their count, so that of two numbers the shorter one is less: `19` for 9, `210` for 10. */
function comparableNumber(number: string): string {
  const digits = Array.from(number, digitOf).join("").replace(LEADING_ZEROS, "");
  const { length } = digits;
  if (length < LONG_NUMBER_LENGTH) return `${length}${digits}`;
  return `${LONG_NUMBER_LENGTH}${String(length).padStart(LENGTH_DIGITS, "0")}${digits}`;
}

const DIGIT = /^\p{Nd}$/u;

/** The value of a decimal digit of any script: each script has its ten in a row (The Unicode Standard, 4.6). */
function digitOf(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && DIGIT.test(String.fromCodePoint(codePoint - value - 1))) value++;
  return value;
}

/** The beginning of a text, without half of a surrogate pair at its end. */
function firstCodePoints(text: string, count: number): string {
  // A code point has one or two units.
  if (text.length <= count) return text;
  return Array.from(text.slice(0, 2 * count))
    .slice(0, count)
    .join("");
}
