import { utf8ByteLength } from "../shared/text.ts";
import { beginningLexeme, beginningsOf, isDense, titleLexeme, variantLexeme } from "./lexemes.ts";
import { analyse, type Token } from "./text-analysis.ts";
import { typoVariants } from "./typo-variants.ts";

/** A lexeme of the index of a post, with the positions of its words in ascending order. */
export interface IndexedTerm {
  readonly lexeme: string;
  readonly positions: readonly number[];
}

/** The maximum number of positions of a lexeme (PostgreSQL 18, 12.11). Phrases are found at these alone. */
export const MAX_POSITIONS = 255;
/** The maximum position (PostgreSQL 18, 12.11). Words after it are found, but not in phrases. */
export const MAX_POSITION = 16_383;
/** The positions between the title and the content, so that no phrase spans both. */
const TITLE_GAP = 8;
/**
 * The maximum size of all lexemes, in bytes as PostgreSQL stores them: more than any prose of 131,072 characters has. It is a quarter of
 * what a tsvector may have (PostgreSQL 18, 12.11), because other requests wait while such a post is stored, for a tenth of a second.
 */
export const MAX_INDEXED_BYTES = 262_144;
/** The size of a lexeme without its text, and of a position. */
const [LEXEME_BYTES, POSITION_BYTES] = [8, 2];

/**
 * The lexemes by which a post is found, each once:
 *
 * - `word`: a term of the title or the content, with its positions, and `=word` for a term of the title;
 * - `^abc`, `^abcd` and `^abcde`: the beginnings of a longer term, and `=^abc` … of a term of the title. For scripts without spaces `^東`,
 *   the single characters;
 * - `~variant`: the typo variants of the words of the title.
 *
 * A word is always indexed with its beginnings. It is no beginning of itself, because a search for a beginning searches for the word too.
 * The result is bounded: at {@link MAX_INDEXED_BYTES} the remaining words are left out.
 */
export function indexedTerms({
  title,
  content,
}: {
  readonly title: string;
  readonly content: string;
}): readonly IndexedTerm[] {
  const index: Index = { lexemes: new Map(), bytes: 0 };
  const titleTokens = analyse(title);
  addTokens(index, titleTokens, 1, true);
  const afterTitle = 1 + titleTokens.reduce((end, { position, span }) => Math.max(end, position + span), 0);
  addTokens(index, analyse(content), afterTitle + TITLE_GAP, false);
  return Array.from(index.lexemes, ([lexeme, positions]) => ({ lexeme, positions }));
}

interface Index {
  readonly lexemes: Map<string, number[]>;
  bytes: number;
}

function addTokens(index: Index, tokens: readonly Token[], first: number, isTitle: boolean): void {
  for (const token of tokens) {
    if (index.bytes >= MAX_INDEXED_BYTES) return;
    const { term, position, span } = token;
    const isNew = add(index, term, first + position);
    if (span > 1) add(index, term, first + position + span - 1);
    if (isNew || isTitle) addBeginnings(index, token, isTitle);
  }
}

/** Adds a lexeme at a position, and returns whether it is new. */
function add(index: Index, lexeme: string, position: number | null): boolean {
  const known = index.lexemes.get(lexeme);
  const positions = known ?? [];
  if (known === undefined) {
    index.lexemes.set(lexeme, positions);
    index.bytes += LEXEME_BYTES + utf8ByteLength(lexeme);
  }
  if (position !== null && position <= MAX_POSITION && positions.length < MAX_POSITIONS) {
    addPosition(positions, position);
    index.bytes += POSITION_BYTES;
  }
  return known === undefined;
}

/** Nearly always the position is the last one. A joined term comes after the words that it joins. */
function addPosition(positions: number[], position: number): void {
  let at = positions.length;
  while (at > 0 && (positions[at - 1] ?? 0) > position) at--;
  if (positions[at - 1] !== position) positions.splice(at, 0, position);
}

function addBeginnings(index: Index, { term, kind }: Token, isTitle: boolean): void {
  const beginnings = kind === "symbol" ? [] : isDense(term) ? charactersOf(term) : properBeginningsOf(term);
  for (const beginning of beginnings) add(index, beginningLexeme(beginning), null);
  if (!isTitle) return;
  add(index, titleLexeme(term), null);
  for (const beginning of beginnings) add(index, titleLexeme(beginningLexeme(beginning)), null);
  if (kind === "symbol") return;
  for (const variant of typoVariants(term)) add(index, variantLexeme(variant), null);
}

function properBeginningsOf(term: string): readonly string[] {
  return beginningsOf(term).filter((beginning) => beginning !== term);
}

const CHARACTER = /\P{M}\p{M}*/gu;

/** The single characters of a bigram, by which a search for one character finds it. */
function charactersOf(bigram: string): readonly string[] {
  return bigram.match(CHARACTER) ?? [];
}
