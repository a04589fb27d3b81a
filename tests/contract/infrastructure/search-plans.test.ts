import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import type { PostFilter } from "../../../src/domain/post/post-list.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import { ANY_STORAGE } from "../../../src/infrastructure/drizzle/account-quota.ts";
import { drizzlePosts } from "../../../src/infrastructure/drizzle/drizzle-posts.ts";
import { EVERY_POST, postsOf, PUBLISHED_POSTS } from "../../support/fixtures.ts";
import { filling, nodesOf, type ExplainedRow, type PlanNode } from "../../support/plans.ts";
import { openTemplate } from "../../support/test-storage.ts";

const AUTHOR = "00000000-0000-7000-8000-000000000007" as UserId;
/** The maximum number of rows that a node of the plan may read (post-search.ts). */
const MAX_ROWS = 20_001;

const ROWS = filling(`
  insert into users
    select id_of(n), 'Ada', n || '@example.org', n || '@example.org', 'hash', 'author', 1, now(), now()
    from generate_series(1, 100) n;
  insert into posts
    select id_of(n), case when n % 3 = 0 then 'Performance of engines' else 'A title ' || n end,
      'common word' || n || case when n % 2 = 0 then ' half' else ' quarter' end || case when n % 1000 = 1 then ' rare' else '' end
        || case when n % 25 = 1 then ' seldom' else '' end || case when n > 50000 then ' recent' else '' end,
      id_of(1 + n % 100), case when n % 10 = 0 then 'draft' else 'published' end,
      case when n % 10 <> 0 then moment_of(n) end, 1, now(), now()
    from generate_series(1, 100000) n;
`);

/** Returns the number of rows that a node has read. */
const rowsOf = (node: PlanNode) =>
  (node["Actual Loops"] ?? NaN) *
  ((node["Actual Rows"] ?? NaN) + (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0));

describe("a search of 100,000 posts", () => {
  let engine: PGlite;
  let posts: ReturnType<typeof drizzlePosts>;
  let sent: { readonly sql: string; readonly params: unknown[] }[] = [];

  beforeAll(async () => {
    engine = await openTemplate();
    await engine.exec(ROWS);
    await engine.exec("vacuum analyze");
    posts = drizzlePosts(
      drizzle({ client: engine, logger: { logQuery: (sql, params) => void sent.push({ sql, params }) } }),
      ANY_STORAGE,
    );
  }, 120_000);
  afterAll(async () => engine.close());

  const search = async (query: string, filter: PostFilter) => {
    sent = [];
    const page = { limit: 20, from: null };
    return (await posts.search(filter, parseSearchQuery(query)._unsafeUnwrap(), page))._unsafeUnwrap().items;
  };

  const ofAuthor: PostFilter = { published: null, drafts: { authorId: AUTHOR } };
  const within = (after: string, before: string, authorId: UserId | null = null): PostFilter => ({
    published: { authorId, after: new Date(after), before: new Date(before) },
    drafts: null,
  });
  const anHour = within("2026-01-10T00:00:00Z", "2026-01-10T01:00:00Z");

  // The embedded engine uses generic plans, and a server first uses custom plans.
  describe.each(["force_generic_plan", "force_custom_plan"])("with %s", (mode) => {
    it.each([
      ["a word in every post", "common", PUBLISHED_POSTS, 20],
      ["a word in half of the drafts and published posts", "half", EVERY_POST, 20],
      ["a rare word", "rare", PUBLISHED_POSTS, 20],
      ["two common words that no post has together", "half quarter", PUBLISHED_POSTS, 0],
      ["a phrase of common words that no post has", '"half common"', PUBLISHED_POSTS, 0],
      ["the negation of a word in every post", "-common", PUBLISHED_POSTS, 0],
      ["a common word and the negation of a word in every post", "half -common", PUBLISHED_POSTS, 0],
      ["a word and the negation of a word in every newer post", "seldom -recent", PUBLISHED_POSTS, 20],
      ["a phrase and the negation of a word in every newer post", '"quarter seldom" -recent', PUBLISHED_POSTS, 20],
      ["a typo in a word of a third of the titles", "perfarmance", PUBLISHED_POSTS, 20],
      ["typos in two words that no title has together", "perfarmance titel", PUBLISHED_POSTS, 0],
      ["a common word in an author's drafts", "common", ofAuthor, 0],
      ["a common word in an author's posts", "common", postsOf(AUTHOR), 20],
      ["a common word in the posts of one hour", "common", anHour, 20],
      ["a common word in an hour before the first post", "common", within("2025-01-01", "2025-02-01"), 0],
      ["a common word in an author's posts of one month", "common", within("2026-01-01", "2026-02-01", AUTHOR), 20],
      ["a rare word in the posts of one hour", "rare", anHour, 2],
      ["a typo in the posts of one hour", "perfarmance", anHour, 20],
    ])("for %s uses an index and reads a bounded number of rows", async (_, query, filter, found) => {
      await engine.exec(`set plan_cache_mode = ${mode}`);
      expect(await search(query, filter)).toHaveLength(found);
      const [{ sql, params } = { sql: "", params: [] }] = sent;
      const { rows } = await engine.query<ExplainedRow>(`explain (analyze, format json) ${sql}`, params);
      const nodes = rows.flatMap(nodesOf);
      expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
      const fetched = nodes.filter(
        (node) => !node["Node Type"].startsWith("Bitmap Index") && node["Node Type"] !== "BitmapAnd",
      );
      expect(Math.max(...fetched.map(rowsOf))).toBeLessThanOrEqual(MAX_ROWS);
      expect(nodes.map((node) => node["Index Name"])).toContain("posts_words_idx");
    });
  });
});
