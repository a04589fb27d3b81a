import { weightedDraw, type Random } from "./random.ts";

/** The size of the vocabulary. The n-th word is used in proportion to a power of 1 / n (Zipf and Mandelbrot). */
const WORDS = 20_000;
const [CONSONANTS, VOWELS] = ["bcdfghjklmnprstvz", "aeiou"];

/** The n-th most frequent word of an artificial language, in lower-case letters. */
export function word(n: number): string {
  let syllables = "";
  let rest = n + CONSONANTS.length;
  do {
    syllables += `${CONSONANTS[rest % CONSONANTS.length]}${VOWELS[(rest * 7) % VOWELS.length]}`;
    rest = Math.floor(rest / CONSONANTS.length);
  } while (rest > 0);
  return n % 3 === 0 ? syllables : `${syllables}${CONSONANTS[n % CONSONANTS.length]}`;
}

const VOCABULARY = Array.from({ length: WORDS }, (_, n) => word(n));
const drawWord = weightedDraw(WORDS, (n) => 1 / (n + 2.7) ** 1.07);

/** A text of words in the proportions of a natural language. */
export function text(words: number, random: Random): string {
  return Array.from({ length: words }, () => VOCABULARY[drawWord(random)]).join(" ");
}
