import type { Query } from "./data-set.ts";
import { word } from "./prose.ts";

/** Whether searches are measured, and posts are indexed before. */
export const HAS_SEARCH = process.env["BENCH_SEARCH"] !== "0";

const WORDS = 200;
const [FIRST_RANK, RANK_STEP] = [300, 20];

/** Words of middle frequency: between 0.3 and 5 percent of the posts have each of them. */
export const SEARCHED_WORDS: readonly string[] = Array.from({ length: WORDS }, (_, n) =>
  word(FIRST_RANK + RANK_STEP * n),
);

/** Adds a search column and its index to filled tables (PostgreSQL 18, 12.2.2). The language is artificial, so it has no stems. */
export async function addSearchColumn(query: Query): Promise<void> {
  await query(`alter table posts add column search tsvector generated always as (
    setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', content), 'B')) stored`);
  await query("create index posts_search_idx on posts using gin (search)");
  await query("checkpoint");
  await query("vacuum analyze");
}
