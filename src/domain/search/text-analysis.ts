import { firstCodePoints } from "../shared/text.ts";
import { CharacterClass, classOf, foldedCharacter, sizeOf, codePointAt } from "./characters.ts";
import { denseTerms, foldedTerm, MAX_TERM_LENGTH } from "./folded-term.ts";

/** The version of the analysis. It changes with every change of the terms or of their lexemes, and then the search index is rebuilt. */
export const ANALYSIS_VERSION = 3;

/** The maximum number of UTF-16 code units of a text that are analysed: about 20,000 English words, in about 10 ms. */
export const MAX_ANALYSED_LENGTH = 131_072;

/** The maximum number of tokens of a text. It bounds the memory for a text of short words, which have joined forms too. */
export const MAX_TOKENS = 32_768;

/** A term of a text. */
export interface Token {
  readonly term: string;
  /** Offsets in UTF-16 code units of the original text. */
  readonly start: number;
  readonly end: number;
  /** The number of words before it. */
  readonly position: number;
  /** The number of consecutive positions: of a joined term the number of its parts, otherwise 1. */
  readonly span: number;
  readonly kind: "word" | "joined" | "symbol" | "bigram";
}

/** The maximum number of parts that are also one term together. More are joined in pairs alone. */
const MAX_JOINED_PARTS = 4;

/**
 * The terms of a text, the same for every language and in every environment:
 *
 * - Words, split at every character that is no letter, mark or number, without case and accents: `Straße` is `strasse`.
 * - Joined terms of words that one hyphen, underscore, dot or apostrophe connects: `e-mail` is `e`, `mail` and `email`. Each pair
 *   is joined, and the whole of up to four words.
 * - Bigrams of scripts without spaces between words: `東京都` is `東京` and `京都`. A single character is a term.
 * - Symbols: a word with its signs as in `c++`, `c#` and `.net`, besides the word, and each emoji.
 *
 * The terms are in the order of their ends. The analysis accepts every text, takes linear time, and has a bounded result. Its
 * terms are stable: the analysis of a term contains that term.
 */
export function analyse(text: string): readonly Token[] {
  const length = Math.min(text.length, MAX_ANALYSED_LENGTH);
  const scan: Scan = { text, length, tokens: [], position: 0, chain: [] };
  let at = 0;
  while (at < length && scan.tokens.length < MAX_TOKENS) at = step(scan, at);
  endChain(scan);
  return scan.tokens.length > MAX_TOKENS ? scan.tokens.slice(0, MAX_TOKENS) : scan.tokens;
}

/** The state of one analysis. */
interface Scan {
  readonly text: string;
  readonly length: number;
  readonly tokens: Token[];
  position: number;
  /** The words that single connectors connect, up to the last one. */
  chain: Token[];
}

/** Reads a run of characters of one class, and returns the offset after it. */
function step(scan: Scan, at: number): number {
  const codePoint = codePointAt(scan.text, at);
  switch (classOf(codePoint)) {
    case CharacterClass.word:
      return readWord(scan, at);
    case CharacterClass.dense:
    case CharacterClass.denseTail:
      return readDense(scan, at);
    case CharacterClass.pictograph:
      return readPictograph(scan, at, codePoint);
    case CharacterClass.regionalIndicator:
      return readFlag(scan, at, codePoint);
    case CharacterClass.composite:
      return readComposite(scan, at, codePoint);
    default:
      return at + sizeOf(codePoint);
  }
}

function push(scan: Scan, term: string, start: number, end: number, kind: Token["kind"]): Token {
  const token = { term, start, end, position: scan.position++, span: 1, kind };
  scan.tokens.push(token);
  return token;
}

function readWord(scan: Scan, start: number): number {
  const { text, length } = scan;
  let [end, units] = [start, 0];
  while (end < length) {
    const codePoint = codePointAt(text, end);
    const found = classOf(codePoint);
    if (found !== CharacterClass.word && found !== CharacterClass.mark) break;
    units |= codePoint;
    end += sizeOf(codePoint);
  }
  const isAscii = units < 0x80;
  const term = isAscii
    ? text.slice(start, Math.min(end, start + MAX_TERM_LENGTH)).toLowerCase()
    : foldedTerm(text, start, end);
  connect(scan, push(scan, term, start, end, "word"));
  return readSigns(scan, term, start, end);
}

/** Adds a word to the chain, if one connector is between them, and joins it with the word before it. */
function connect(scan: Scan, word: Token): void {
  const { text, chain } = scan;
  const before = chain.at(-1);
  const isAfterConnector =
    before?.end === word.start - 1 && classOf(text.charCodeAt(before.end)) === CharacterClass.connector;
  if (!isAfterConnector) endChain(scan);
  else if (before !== undefined) join(scan, [before, word]);
  scan.chain.push(word);
}

function endChain(scan: Scan): void {
  const { length } = scan.chain;
  if (length > 2 && length <= MAX_JOINED_PARTS) join(scan, scan.chain);
  if (length > 0) scan.chain = [];
}

function join({ tokens }: Scan, parts: readonly Token[]): void {
  const [first, last] = [parts[0], parts.at(-1)];
  if (first === undefined || last === undefined) return;
  const term = firstCodePoints(parts.map((part) => part.term).join(""), MAX_TERM_LENGTH);
  const { start, position } = first;
  tokens.push({ term, start, end: last.end, position, span: parts.length, kind: "joined" });
}

/** The maximum length of a word that is a term together with its signs. Names such as `c++` and `.net` are short. */
const MAX_SIGNED_LENGTH = 32;

/** Adds the terms of a word with its signs, and returns the offset after them. */
function readSigns({ text, tokens, position }: Scan, term: string, start: number, end: number): number {
  if (term.length > MAX_SIGNED_LENGTH) return end;
  const place = { position: position - 1, span: 1, kind: "symbol" } as const;
  // Numbers such as `.5` are no names.
  if (!isDigit(term.charCodeAt(0)) && isAfterFirstDot(text, start))
    tokens.push({ term: `.${term}`, start: start - 1, end, ...place });
  const signs = signsAt(text, end);
  if (signs === "") return end;
  tokens.push({ term: term + signs, start, end: end + signs.length, ...place });
  return end + signs.length;
}

const [PLUS, HASH, DOT, ZERO, NINE] = [0x2b, 0x23, 0x2e, 0x30, 0x39];

/** Whether a word is after a dot that is not in or after a word, as in `.net`. */
function isAfterFirstDot(text: string, start: number): boolean {
  if (text.charCodeAt(start - 1) !== DOT) return false;
  return start < 2 || classOf(text.charCodeAt(start - 2)) === CharacterClass.other;
}

/** The signs that belong to the name before them: `++` unless a letter follows, and `#` unless a word follows. */
function signsAt(text: string, at: number): "++" | "#" | "" {
  const [first, second, third] = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)];
  if (first === PLUS && second === PLUS && third !== PLUS) return isDigit(third) || !isLetter(third) ? "++" : "";
  return first === HASH && second !== HASH && !isLetter(second) ? "#" : "";
}

function isDigit(unit: number): boolean {
  return unit >= ZERO && unit <= NINE;
}

function isLetter(unit: number): boolean {
  return !Number.isNaN(unit) && LETTERS.has(classOf(unit));
}

const LETTERS: ReadonlySet<CharacterClass> = new Set([
  CharacterClass.word,
  CharacterClass.dense,
  CharacterClass.denseTail,
  CharacterClass.composite,
]);

function readDense(scan: Scan, start: number): number {
  const { text, length, tokens } = scan;
  let end = start;
  while (end < length) {
    const codePoint = codePointAt(text, end);
    if (!DENSE_RUN.has(classOf(codePoint))) break;
    end += sizeOf(codePoint);
  }
  for (const term of denseTerms(text, start, end, MAX_TOKENS - tokens.length)) {
    push(scan, term.term, term.start, term.end, "bigram");
  }
  return end;
}

const DENSE_RUN: ReadonlySet<CharacterClass> = new Set([
  CharacterClass.dense,
  CharacterClass.denseTail,
  CharacterClass.mark,
]);

function readPictograph(scan: Scan, start: number, codePoint: number): number {
  const { text, length } = scan;
  let end = start + sizeOf(codePoint);
  while (end < length && isEmojiModifier(codePointAt(text, end))) end += sizeOf(codePointAt(text, end));
  push(scan, String.fromCodePoint(codePoint), start, end, "symbol");
  return end;
}

const VARIATION_SELECTOR = 0xfe0f;
const [FIRST_SKIN_TONE, LAST_SKIN_TONE] = [0x1f3fb, 0x1f3ff];

function isEmojiModifier(codePoint: number): boolean {
  return codePoint === VARIATION_SELECTOR || (codePoint >= FIRST_SKIN_TONE && codePoint <= LAST_SKIN_TONE);
}

/** A flag is two regional indicators. */
function readFlag(scan: Scan, start: number, codePoint: number): number {
  const middle = start + sizeOf(codePoint);
  const second = codePointAt(scan.text, middle);
  if (middle >= scan.length || classOf(second) !== CharacterClass.regionalIndicator) return middle;
  const end = middle + sizeOf(second);
  push(scan, scan.text.slice(start, end), start, end, "symbol");
  return end;
}

const WORD_OF_FORM = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu;

/** The words in the compatibility form of a character: `½` is `1` and `2`. */
function readComposite(scan: Scan, start: number, codePoint: number): number {
  const end = start + sizeOf(codePoint);
  const words = foldedCharacter(codePoint).match(WORD_OF_FORM) ?? [];
  for (const word of words) push(scan, word, start, end, "word");
  return end;
}
