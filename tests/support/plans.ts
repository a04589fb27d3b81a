/** Part of PostgreSQL's plan in the form of `explain (format json)`. The measured values of a node exist only if it was run. */
export interface PlanNode {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Relation Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly "Rows Removed by Index Recheck"?: number;
  readonly Plans?: readonly PlanNode[];
}

/** The result of `explain (format json)`. */
export interface ExplainedRow {
  readonly "QUERY PLAN": readonly [{ readonly Plan: PlanNode }];
}

/** All nodes of a plan. */
export function nodesOf({ "QUERY PLAN": [{ Plan: root }] }: ExplainedRow): PlanNode[] {
  const withNodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(withNodes)];
  return withNodes(root);
}

/** Fills tables by inserts, in which the n-th row has the id `id_of(n)` and the time `moment_of(n)`. */
export function filling(inserts: string): string {
  return `
  create function id_of(n bigint) returns uuid language sql immutable
    return ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
  create function moment_of(n bigint) returns timestamptz language sql immutable
    return '2026-01-01T00:00:00Z'::timestamptz + n % 50021 * interval '1 minute';
  ${inserts}
`;
}
