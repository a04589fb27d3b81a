import { CharacterClass, classOf, foldedCharacter, sizeOf, codePointAt } from "./characters.ts";

/** The maximum number of code points of a term. Longer words are cut. In UTF-8 a term has at most 256 bytes. */
export const MAX_TERM_LENGTH = 64;

/**
 * The maximum number of marks after a letter. No language writes more, and normalising a long run of marks takes quadratic time.
 */
const MAX_MARKS = 8;

/** The folded form of the characters from `start` to `end`, cut to {@link MAX_TERM_LENGTH}. The time is linear. */
export function foldedTerm(text: string, start: number, end: number): string {
  let [term, length, marks, hasManyMarks] = ["", 0, 0, false];
  let at = start;
  while (at < end && length < MAX_TERM_LENGTH) {
    const codePoint = codePointAt(text, at);
    at += sizeOf(codePoint);
    for (const character of foldedCharacter(codePoint)) {
      marks = classOf(codePointAt(character, 0)) === CharacterClass.mark ? marks + 1 : 0;
      if (marks > MAX_MARKS || length === MAX_TERM_LENGTH) continue;
      term += character;
      length++;
      hasManyMarks ||= marks > 1;
    }
  }
  // Each character is decomposed. Only the canonical order of its marks is left to do.
  return hasManyMarks ? term.normalize("NFD") : term;
}

/** A bigram or a single letter of a script without spaces, with its offsets in the text. */
export interface DenseTerm {
  readonly term: string;
  readonly start: number;
  readonly end: number;
}

/** The overlapping bigrams of a run of a script without spaces, at most `room` of them. */
export function denseTerms(text: string, start: number, end: number, room: number): readonly DenseTerm[] {
  const units = denseUnits(text, start, end, room + 1);
  const [first] = units;
  if (units.length === 1 && first !== undefined) return [first];
  return units.slice(1).map((unit, index) => {
    const before = units[index] ?? unit;
    return { term: composed(before.term + unit.term), start: before.start, end: unit.end };
  });
}

/** The letters of a run, each with its marks, and with the vowel and the final consonant of a decomposed Hangul syllable. */
export function denseUnits(text: string, start: number, end: number, room = Infinity): readonly DenseTerm[] {
  const units: DenseTerm[] = [];
  let at = start;
  while (at < end && units.length < room) {
    const from = at;
    const letter = codePointAt(text, at);
    at += sizeOf(letter);
    while (at < end && isTail(codePointAt(text, at))) at += sizeOf(codePointAt(text, at));
    // A voiced sound mark without a letter before it.
    if (foldedCharacter(letter) === "") continue;
    units.push({ term: composed(foldedTerm(text, from, Math.min(at, from + MAX_UNIT_LENGTH))), start: from, end: at });
  }
  return units;
}

/** The maximum number of UTF-16 code units of a letter with its marks, so that a bigram is never longer than a term may be. */
const MAX_UNIT_LENGTH = 12;

function isTail(codePoint: number): boolean {
  const found = classOf(codePoint);
  return found === CharacterClass.mark || found === CharacterClass.denseTail;
}

/** Letters that are composed already: Han, kana, Hangul syllables, Thai without marks. */
const COMPOSED = /^[\u0e01-\u0e30\u3040-\u3098\u309b-\u312f\u3400-\u9fff\uac00-\ud7a3]*$/;

function composed(term: string): string {
  return COMPOSED.test(term) ? term : term.normalize("NFC");
}
