import { indexedTerms } from "../../../domain/search/indexed-terms.ts";
import { ANALYSIS_VERSION, MAX_ANALYSED_LENGTH } from "../../../domain/search/text-analysis.ts";
import { NIL_ID, parseId, type UserId } from "../../../domain/shared/id.ts";
import { tsvectorText } from "../../drizzle/search/tsquery.ts";
import type { Query } from "../backup/scratch-engine.ts";
import { damagedCheck, noted, passed, type CheckResult } from "./report.ts";

const REMEDY = "The posts are intact. Stop the server, then run: quire reindex";

/** The maximum number of posts of a statement: the analysis of the longest ones takes a second. */
const MAX_BATCH_POSTS = 16;

const COUNTS = `select
  count(*) filter (where s.post_id is null or s.version < p.version or s.analysis < ${ANALYSIS_VERSION})::text,
  count(*) filter (where s.version > p.version)::text, count(*)::text
  from posts p left join post_search s on s.post_id = p.id`;

/** The posts that are indexed at their version by the analysis of this program. */
const INDEXED_POSTS = `select p.id::text, p.title, left(p.content, ${MAX_ANALYSED_LENGTH}), p.author_id::text,
  p.status, s.ordinal::text
  from posts p join post_search s on s.post_id = p.id and s.version = p.version and s.analysis = ${ANALYSIS_VERSION}
  where p.id > $1::uuid order by p.id limit ${MAX_BATCH_POSTS}`;

/** The given posts whose row of the index has other terms or another time of publication. */
const DIFFERING = `select p.id::text from jsonb_each_text($1::jsonb) as expected (id, terms)
  join posts p on p.id = expected.id::uuid join post_search s on s.post_id = p.id
  where s.terms <> expected.terms::tsvector or s.published_at is distinct from p.published_at order by 1`;

/** Analyses every post again, and compares the terms with those of the search index. */
export async function checkSearchIndex(query: Query): Promise<CheckResult> {
  const [[missing = "0", newer = "0", total = "0"] = []] = (await query(COUNTS)).rows as string[][];
  const faults = newer === "0" ? [] : [`${newer} rows are newer than their posts`];
  for (let last: string | null = NIL_ID; last !== null;) {
    const { rows } = await query(INDEXED_POSTS, [last]);
    const expected = Object.fromEntries(rows.flatMap(expectedTerms));
    const differing = await query(DIFFERING, [JSON.stringify(expected)]);
    faults.push(...differing.rows.map(([id]) => `post ${id}: its terms differ from its text`));
    last = rows.at(-1)?.[0] ?? null;
  }
  if (faults.length > 0) return damagedCheck("search index", faults, REMEDY);
  if (missing === "0")
    return passed("search index", `it has the terms of all ${Number(total).toLocaleString("en")} posts`);
  const detail = `${missing} of ${total} posts are not indexed yet; a running server does it in the background`;
  return noted("search index", detail, `If the number does not become smaller: ${REMEDY}`);
}

/** The id of a post with the terms that its row must have; nothing for an invalid row, which the check of the posts reports. */
function expectedTerms(row: readonly (string | null)[]): readonly (readonly [id: string, terms: string])[] {
  const [id = null, title = null, content = null, author, status, ordinal] = row;
  const authorId = parseId<UserId>(author ?? "");
  if (id === null || title === null || content === null || authorId.isErr()) return [];
  const post = { authorId: authorId.value, status: status === "published" ? "published" : "draft" } as const;
  return [[id, tsvectorText(post, indexedTerms({ title, content }), Number(ordinal))]];
}
