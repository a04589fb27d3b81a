import type { PostStatus } from "../../../domain/post/post.ts";
import type { SearchExpression } from "../../../domain/search/search-expression.ts";
import type { UserId } from "../../../domain/shared/id.ts";
import type { IndexRange } from "../post-ranges.ts";
import { ANY_SEGMENT, blockOf, segmentOf } from "./segments.ts";

/**
 * The character between the segment and the lexeme is that of the status. So the index entries of a word that a reader may find lead
 * to published posts only, and drafts cost a search nothing.
 */
const STATUS_MARKS: Readonly<Record<PostStatus, string>> = { published: ".", draft: "-" };

/** The lexeme that every post of a status has. */
const EVERY_POST = "@";
/** A lexeme that no post has. */
const NO_POST = "@none";

function authorLexeme(authorId: UserId): string {
  return `@a${authorId}`;
}

/** A lexeme in PostgreSQL's text format of `tsvector` and `tsquery` (PostgreSQL 18, 8.11). */
function quote(lexeme: string): string {
  return `'${lexeme.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** The text of a tsvector: the terms of a post, and lexemes for its status, its author and the block of its ordinal. */
export function tsvectorText(
  { status, authorId }: { readonly status: PostStatus; readonly authorId: UserId },
  terms: readonly { readonly lexeme: string; readonly positions: readonly number[] }[],
  ordinal: number,
): string {
  const namespace = `${segmentOf(ordinal)}${STATUS_MARKS[status]}`;
  const indexed = terms.map(({ lexeme, positions }) => {
    const text = quote(namespace + lexeme);
    return positions.length === 0 ? text : `${text}:${positions.join(",")}`;
  });
  const visibility = [EVERY_POST, authorLexeme(authorId)].map((lexeme) => quote(namespace + lexeme));
  return [...indexed, ...visibility, quote(blockOf(ordinal))].join(" ");
}

/**
 * The text of a tsquery in any segment: the posts of the ranges that fulfil the expression. The bounds on their publication are not
 * part of it. {@link inSegment} makes it a tsquery of one segment.
 */
export function tsqueryText(expression: SearchExpression, ranges: readonly IndexRange[]): string {
  const branches = ranges.map(({ status, authorId }) => {
    const namespace = `${ANY_SEGMENT}${STATUS_MARKS[status]}`;
    const condition = render(expression, namespace);
    // An expression such as a negation would otherwise hold for the posts of the other status.
    const visible = quote(namespace + (authorId === null ? EVERY_POST : authorLexeme(authorId)));
    return authorId === null && isWithinNamespace(expression) ? condition : `(${condition} & ${visible})`;
  });
  return branches.length === 0 ? quote(ANY_SEGMENT + NO_POST) : branches.join(" | ");
}

/** Whether only posts with at least one of its lexemes fulfil the expression. */
function isWithinNamespace(expression: SearchExpression): boolean {
  switch (expression.kind) {
    case "term":
    case "prefix":
    case "phrase":
      return true;
    case "and":
      return expression.of.some(isWithinNamespace);
    case "or":
      return expression.of.every(isWithinNamespace);
    case "not":
    case "all":
      return false;
  }
}

function render(expression: SearchExpression, namespace: string): string {
  switch (expression.kind) {
    case "term":
      return quote(namespace + expression.lexeme);
    case "prefix":
      return `${quote(namespace + expression.lexeme)}:*`;
    case "phrase":
      return `(${expression.lexemes.map((lexeme) => quote(namespace + lexeme)).join(" <-> ")})`;
    case "and":
      return joined(expression.of, " & ", EVERY_POST, namespace);
    case "or":
      return joined(expression.of, " | ", NO_POST, namespace);
    case "not":
      return `!${joined([expression.of], " & ", NO_POST, namespace)}`;
    case "all":
      return quote(namespace + EVERY_POST);
  }
}

function joined(of: readonly SearchExpression[], operator: string, none: string, namespace: string): string {
  if (of.length === 0) return quote(namespace + none);
  return `(${of.map((part) => render(part, namespace)).join(operator)})`;
}

/** The text of a tsquery for the posts of a segment, in some of its blocks or, for `null`, in all. */
export function inSegment(text: string, segment: number, blocks: readonly string[] | null): string {
  const condition = text.replaceAll(ANY_SEGMENT, String(segment));
  return blocks === null ? condition : `(${condition}) & (${blocks.map(quote).join(" | ")})`;
}
