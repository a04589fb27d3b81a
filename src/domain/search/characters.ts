import { digitOf, foldCase, withoutAccents } from "../shared/folding.ts";

/** The class of a character in the analysis of a text. Each class but `other` and `mark` begins a term or connects two. */
export const CharacterClass = {
  other: 1,
  /** A letter or a number of a script that writes spaces between words. */
  word: 2,
  /** It belongs to the character before it: a combining mark, an invisible character, or the Arabic tatweel. */
  mark: 3,
  /** A letter of a script that writes no spaces between words, or of Hangul, whose words have endings. */
  dense: 4,
  /** A vowel or final consonant of Hangul that composes with the letter before it, and the voiced sound mark of kana. */
  denseTail: 5,
  /** A hyphen, a dot, an underscore or an apostrophe. A single one between two words connects them. */
  connector: 6,
  pictograph: 7,
  /** Two of them are a flag. */
  regionalIndicator: 8,
  /** A letter or a number whose compatibility decomposition has characters of several classes, such as `½`. */
  composite: 9,
} as const;

/** The code point at an offset of a text; 0 at its end. */
export function codePointAt(text: string, at: number): number {
  return text.codePointAt(at) ?? 0;
}

/** The number of UTF-16 code units of a code point. */
export function sizeOf(codePoint: number): 1 | 2 {
  return codePoint > 0xffff ? 2 : 1;
}

export type CharacterClass = (typeof CharacterClass)[keyof typeof CharacterClass];

const CODE_POINTS = 0x110000;
/** Class by code point, filled on demand: 0 is unknown. The operating system allocates only the pages that are used. */
const CLASSES = new Uint8Array(CODE_POINTS);

export function classOf(codePoint: number): CharacterClass {
  const known = CLASSES[codePoint] ?? 0;
  if (known !== 0) return known as CharacterClass;
  const found = classify(codePoint);
  CLASSES[codePoint] = found;
  return found;
}

/** The highest code point of the Basic Multilingual Plane. Only its folded characters are kept, to bound the memory. */
const MAX_CACHED = 0xffff;
const FOLDED: string[] = [];

/** A character without case, accents and compatibility form; empty for an accent or an invisible character. */
export function foldedCharacter(codePoint: number): string {
  if (codePoint > MAX_CACHED) return fold(codePoint);
  return (FOLDED[codePoint] ??= fold(codePoint));
}

/** The tatweel stretches an Arabic word. The letter apostrophe is in the compatibility form of `ŉ`. */
const UNWRITTEN = /[\u0640ʼ]/gu;
const DECIMAL_DIGIT = /\p{Nd}/gu;
/**
 * Hangul syllables and their compatibility letters, and the vowels AM of Thai and Lao. A reader sees one letter, and its parts
 * would compose with the letters beside it.
 */
const UNDECOMPOSED = /^[\uac00-\ud7a3\u3131-\u318e\u0e33\u0eb3]$/;

function fold(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  if (UNDECOMPOSED.test(character)) return character;
  // Lower case comes first: `ẞ` has no other upper case, but its lower case `ß` has.
  const folded = foldCase(withoutAccents(character.normalize("NFKD")).toLowerCase());
  const digits = folded.replace(DECIMAL_DIGIT, (digit) => String(digitOf(digit)));
  return withoutAccents(digits.normalize("NFKD")).replace(UNWRITTEN, "");
}

const IGNORABLE = /^[\p{M}\p{Default_Ignorable_Code_Point}\u0640]$/u;
/** Zero-width space: an invisible word boundary. */
const ZERO_WIDTH_SPACE = 0x200b;
const LETTER = /^[\p{L}\p{N}]$/u;
/**
 * Scripts without spaces between words (Unicode Standard Annex 14, class SA; Annex 29, 4), and Hangul. Their extensions include
 * characters that several scripts share, such as the prolonged sound mark.
 */
const DENSE =
  /^[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}\p{scx=Hangul}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]$/u;
const DECIMAL = /^\p{Nd}$/u;
/** Vowels and final consonants of Hangul (conjoining), and the half-width voiced sound marks of kana. */
const DENSE_TAIL = /^[\u1160-\u11ff\ud7b0-\ud7fb\uff9e\uff9f]$/u;
const PICTOGRAPH = /^\p{Extended_Pictographic}$/u;
const REGIONAL_INDICATOR = /^\p{Regional_Indicator}$/u;
/** The trade mark sign and signs below it are pictographs too, but they are written beside words and mean nothing. */
const FIRST_PICTOGRAPH = 0x2190;

/**
 * Hyphen-minus, underscore, full stop, apostrophes, middle dot (Catalan), hyphens, Hebrew geresh and gershayim, and the
 * zero-width non-joiner (Persian).
 */
const CONNECTORS = new Set("-_.'’ʼ·\u2010\u2011\u05f3\u05f4\u200c\uff07".split("").map((each) => each.charCodeAt(0)));

function classify(codePoint: number): CharacterClass {
  if (CONNECTORS.has(codePoint)) return CharacterClass.connector;
  if (codePoint === ZERO_WIDTH_SPACE) return CharacterClass.other;
  const character = String.fromCodePoint(codePoint);
  if (IGNORABLE.test(character)) return CharacterClass.mark;
  if (LETTER.test(character)) return classOfLetter(codePoint, character);
  if (REGIONAL_INDICATOR.test(character)) return CharacterClass.regionalIndicator;
  return codePoint >= FIRST_PICTOGRAPH && PICTOGRAPH.test(character) ? CharacterClass.pictograph : CharacterClass.other;
}

function classOfLetter(codePoint: number, character: string): CharacterClass {
  if (DENSE_TAIL.test(character)) return CharacterClass.denseTail;
  const classes = Array.from(foldedCharacter(codePoint), classOfFolded).filter(
    (found) => found !== CharacterClass.mark,
  );
  if (classes.length > 0 && classes.every((found) => found === CharacterClass.word)) return CharacterClass.word;
  return classes.length === 1 && classes[0] === CharacterClass.dense ? CharacterClass.dense : CharacterClass.composite;
}

/** The class of a character that is folded already: a letter or number, a mark, or other. */
function classOfFolded(character: string): CharacterClass {
  if (IGNORABLE.test(character)) return CharacterClass.mark;
  if (!LETTER.test(character)) return CharacterClass.other;
  return DENSE.test(character) && !DECIMAL.test(character) ? CharacterClass.dense : CharacterClass.word;
}
