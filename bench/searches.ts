import type { Query } from "./data-set.ts";
import { word } from "./prose.ts";

/** Whether searches are measured, and posts are indexed before. */
export const HAS_SEARCH = process.env["BENCH_SEARCH"] !== "0";

const QUERIES = 200;
const [FIRST_RANK, RANK_STEP] = [300, 20];
const [FIRST_FREQUENT, FREQUENT] = [70, 20];

/** A word of middle frequency: between 0.3 and 5 percent of the posts have it. */
const middleWord = (n: number) => word(FIRST_RANK + RANK_STEP * n);

/** The queries of each measurement. Two words have a partner of another frequency. */
export const SEARCHES: Readonly<Record<string, readonly string[]>> = {
  search: Array.from({ length: QUERIES }, (_, n) => middleWord(n)),
  "search, two words": Array.from({ length: QUERIES }, (_, n) => `${middleWord(n)} ${middleWord((n * 7) % 50)}`),
  "search, a word of a fifth": Array.from({ length: FREQUENT }, (_, n) => word(FIRST_FREQUENT + n)),
};

/** Adds a search column and its index to filled tables (PostgreSQL 18, 12.2.2). The language is artificial, so it has no stems. */
export async function addSearchColumn(query: Query): Promise<void> {
  await query(`alter table posts add column search tsvector generated always as (
    setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', content), 'B')) stored`);
  await query("create index posts_search_idx on posts using gin (search)");
  await query("checkpoint");
  await query("vacuum analyze");
}
