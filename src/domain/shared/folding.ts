/**
 * Diacritics of Latin, Greek, Cyrillic and kana, and the vowel points of Hebrew and Arabic. Marks of other scripts are
 * letters to their readers, such as the vowel signs of Devanagari and Thai.
 */
const ACCENTS = /(?=\p{M})[\p{Script=Inherited}\p{Script=Hebrew}\p{Script=Arabic}]/gu;
/** Invisible characters: soft hyphens, joiners, variation selectors, byte order marks. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;

/** Removes accents and invisible characters from decomposed text. */
export function withoutAccents(decomposed: string): string {
  return decomposed.replace(ACCENTS, "").replace(INVISIBLE, "");
}

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

/** Folds case, and the letters that Unicode does not decompose. */
export function foldCase(text: string): string {
  return (
    text
      // Upper case comes first, because it maps `ß` to `SS` and `ı` to `I`.
      .toUpperCase()
      .toLowerCase()
      .replace(IS_UNDECOMPOSED, (letter) => UNDECOMPOSED[letter] ?? letter)
  );
}

const DIGIT = /^\p{Nd}$/u;

/**
 * The value of a decimal digit of any script. The ten digits of a script are consecutive (The Unicode Standard, 4.6), and those of
 * another script may follow them directly.
 */
export function digitOf(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  let digitsBefore = 0;
  while (DIGIT.test(String.fromCodePoint(codePoint - digitsBefore - 1))) digitsBefore++;
  return digitsBefore % 10;
}
