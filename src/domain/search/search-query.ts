import { ok, type Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import { codePointCount, textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";
import { isDense } from "./lexemes.ts";
import { analyse, type Token } from "./text-analysis.ts";

/** The maximum number of code points of a query. */
export const MAX_QUERY_LENGTH = 200;
/** The maximum of the summed sizes of a query's operands. It bounds its terms and clauses, so the conditions that an index evaluates. */
export const MAX_QUERY_TERMS = 16;
/** A shorter word is not completed: too many words begin with one letter. In code points. */
const MIN_PREFIX_LENGTH = 2;

/** A word, a connected token such as `nginx.conf`, or a phrase. */
export interface Clause {
  /** The ways to write it, one or two: the words of a phrase, and the same with joined words (`e`, `mail`; `email`). */
  readonly forms: readonly (readonly string[])[];
  readonly isExcluded: boolean;
  /** Written between quotation marks. Its words are neither completed nor compared with typos. */
  readonly isQuoted: boolean;
  /** Whether its last word may be the beginning of a longer one: {@link isPrefixForm}. */
  readonly isPrefix: boolean;
}

/**
 * Whether the last word of a form may be the beginning of a longer word. If the words of a connected token have a joined form, it
 * alone is completed: `node.js` is `node` beside `js`, or a word that begins with `nodejs`, but not `node` beside `json`.
 */
export function isPrefixForm({ forms, isPrefix }: Clause, form: readonly string[]): boolean {
  return isPrefix && (form.length === 1 || forms.every(({ length }) => length > 1));
}

/** A parsed query, 1 to 200 characters. A post matches if it matches all clauses of one of the alternatives. */
export type SearchQuery = Branded<ParsedQuery, "SearchQuery">;

interface ParsedQuery {
  /** The query as it was written, without white space around it. */
  readonly text: string;
  readonly alternatives: readonly (readonly Clause[])[];
  /** All words in their order, also `or`; none if a word is excluded. A post that has them in this order is better. */
  readonly words: readonly string[];
}

/**
 * Parses a query in the syntax of web search engines. A post must contain all words. `"…"` is a phrase, `or` between two words
 * separates alternatives, and `-` at the beginning of a word excludes it. Punctuation of any kind is accepted. Fails with
 * `blank`, `too_long`, `without_words`, `too_many_terms`, or an error of {@link textOfLength}.
 */
export function parseSearchQuery(raw: string): Result<SearchQuery, Violation> {
  const text = raw.trim();
  if (text === "") return refuse("blank");
  return textOfLength(text, 1, MAX_QUERY_LENGTH).andThen((valid) => {
    const operands = operandsOf(valid);
    if (operands.length === 0) return refuse("without_words");
    if (operands.reduce((sum, { size }) => sum + size, 0) > MAX_QUERY_TERMS) {
      return refuse("too_many_terms", MAX_QUERY_TERMS);
    }
    const hasExcluded = operands.some(({ clauses }) => clauses.some(({ isExcluded }) => isExcluded));
    const words = hasExcluded ? [] : operands.flatMap((operand) => operand.words);
    const query: ParsedQuery = { text: valid, alternatives: alternativesOf(operands), words };
    return ok(query as SearchQuery);
  });
}

/** A phrase, or a run of characters without white space. */
interface Operand {
  readonly clauses: readonly Clause[];
  readonly words: readonly string[];
  /** The number of terms, where two characters of a script without spaces are one, but at least the number of clauses. */
  readonly size: number;
  readonly isOr: boolean;
}

/** Groups: a minus before a phrase, the phrase, a token. Typographic quotation marks are what a telephone writes. */
const OPERAND = /(-?)["“”„]([^"“”„]*)(?:["“”„]|$)|([^\s"“”„]+)/gu;
/** A minus that excludes stands directly before a word. An option such as `--amend` is a word. */
const EXCLUSION = /^-(?=[.\p{L}\p{N}\p{Extended_Pictographic}\p{Regional_Indicator}])/u;

function operandsOf(text: string): readonly Operand[] {
  const operands: Operand[] = [];
  for (const [, minus, phrase, token = ""] of text.matchAll(OPERAND)) {
    const isExcluded = phrase === undefined ? EXCLUSION.test(token) : minus === "-";
    const written = phrase ?? (isExcluded ? token.slice(1) : token);
    const tokens = analyse(written);
    const units = unitsOf(tokens);
    if (units.length === 0) continue;
    const groups = phrase === undefined ? groupsOf(units, written, isExcluded) : [units];
    operands.push({
      clauses: groups.map((group) => ({
        forms: formsOf(group, tokens),
        isExcluded,
        isQuoted: phrase !== undefined,
        isPrefix: false,
      })),
      words: units.map(({ term }) => term),
      size: Math.max(sizeOf(units), groups.length),
      isOr: phrase === undefined && /^or$/i.test(token),
    });
  }
  return operands;
}

/** The tokens one after the other, without joined terms, and with the symbol instead of its word: `c++` for `c`. */
function unitsOf(tokens: readonly Token[]): readonly Token[] {
  const units = new Map<number, Token>();
  for (const token of tokens) if (token.kind !== "joined") units.set(token.position, token);
  return [...units.values()];
}

function sizeOf(units: readonly Token[]): number {
  return Math.ceil(units.reduce((sum, { kind }) => sum + (kind === "bigram" ? 0.5 : 1), 0));
}

/** The characters that connect the words of one name, path, address or version. Others separate words. */
const CONNECTION = /^[-_.'’ʼ·/\\@:#\u2010\u2011\u200c]+$/;
const ADDRESS = /^[a-z][a-z\d+.-]*:\/\//i;

/** Divides a token into words that stand next to each other. The words of a web address may stand anywhere. */
function groupsOf(units: readonly Token[], written: string, isExcluded: boolean): readonly (readonly Token[])[] {
  if (ADDRESS.test(written) && !isExcluded) return (units.length > 1 ? units.slice(1) : units).map((unit) => [unit]);
  const groups: Token[][] = [];
  for (const unit of units) {
    const [group, before] = [groups.at(-1), groups.at(-1)?.at(-1)];
    const isNext =
      before !== undefined &&
      (unit.start < before.end || CONNECTION.test(written.slice(before.end, unit.start))) &&
      isDense(unit.term) === isDense(before.term);
    if (group !== undefined && isNext) group.push(unit);
    else groups.push([unit]);
  }
  return groups;
}

/** The words of a group, and, if connectors join some of them, the form with the longest joined terms. */
function formsOf(group: readonly Token[], tokens: readonly Token[]): Clause["forms"] {
  const words = group.map(({ term }) => term);
  const last = (group.at(-1)?.position ?? 0) + 1;
  const joined: string[] = [];
  let position = group[0]?.position ?? 0;
  while (position < last) {
    const longest = tokens
      .filter((token) => token.kind === "joined" && token.position === position && position + token.span <= last)
      .reduce<Token | undefined>((best, token) => (token.span > (best?.span ?? 0) ? token : best), undefined);
    joined.push(longest?.term ?? group.find((unit) => unit.position === position)?.term ?? "");
    position += longest?.span ?? 1;
  }
  return joined.length < words.length ? [words, joined] : [words];
}

/** `or` separates alternatives only between two operands, so that `to be or not to be` and a search for `or` have one too. */
function alternativesOf(operands: readonly Operand[]): SearchQuery["alternatives"] {
  const alternatives: Clause[][] = [[]];
  operands.forEach(({ clauses, isOr }, index) => {
    const isOperator = isOr && index < operands.length - 1 && (alternatives.at(-1)?.length ?? 0) > 0;
    if (isOperator) alternatives.push([]);
    else alternatives.at(-1)?.push(...clauses);
  });
  const last = alternatives.at(-1)?.pop();
  if (last !== undefined) alternatives.at(-1)?.push(completed(last));
  return alternatives.map(withoutRepeated);
}

/** The last word of a query is being typed. */
function completed(clause: Clause): Clause {
  const isPrefix =
    !clause.isQuoted && !clause.isExcluded && clause.forms.every((form) => isBeginning(form.at(-1) ?? ""));
  return { ...clause, isPrefix };
}

function isBeginning(word: string): boolean {
  return codePointCount(word) >= MIN_PREFIX_LENGTH && !isDense(word) && /^[\p{L}\p{M}\p{N}]+$/u.test(word);
}

function withoutRepeated(clauses: readonly Clause[]): readonly Clause[] {
  return [...new Map(clauses.map((clause) => [JSON.stringify(clause), clause])).values()];
}
