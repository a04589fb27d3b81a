/** Part of PostgreSQL's plan as `explain (format json)` gives it; what a node did is there where it was run. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What `explain (format json)` answers with. */
export interface ExplainedRow {
  readonly "QUERY PLAN": readonly [{ readonly Plan: PlanNode }];
}

/** All nodes of a plan. */
export function nodesOf({ "QUERY PLAN": [{ Plan: root }] }: ExplainedRow): PlanNode[] {
  const withNodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(withNodes)];
  return withNodes(root);
}

/**
 * Fills tables by inserts, which give the n-th row the id `id_of(n)` and the time `moment_of(n)`. The indexes of words are
 * filled at the end, as a row at a time they take several times as long.
 */
export function filling(inserts: string): string {
  return `
  drop index posts_words_idx, posts_title_key_idx;
  create function id_of(n bigint) returns uuid language sql immutable
    return ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
  create function moment_of(n bigint) returns timestamptz language sql immutable
    return '2026-01-01T00:00:00Z'::timestamptz + n % 50021 * interval '1 minute';
  ${inserts}
  create index posts_words_idx on posts using gin (words);
  create index posts_title_key_idx on posts using gin (title_key(title) gin_trgm_ops);
`;
}
