import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { UserId } from "../../src/domain/shared/id.ts";
import type { PostFilter } from "../../src/domain/post/post-list.ts";
import { ANALYSIS_VERSION } from "../../src/domain/search/text-analysis.ts";
import { parseSearchQuery } from "../../src/domain/search/search-query.ts";
import { ANY_STORAGE } from "../../src/infrastructure/drizzle/account-quota.ts";
import { drizzlePosts } from "../../src/infrastructure/drizzle/drizzle-posts.ts";
import { MAX_STEPS } from "../../src/infrastructure/drizzle/search/hits.ts";
import { MAX_SCANNED_ROWS } from "../../src/infrastructure/drizzle/search/step-statement.ts";
import { EVERY_POST, postsOf, PUBLISHED_POSTS } from "../../src/testing/fixtures.ts";
import { filling, nodesOf, type ExplainedRow, type PlanNode } from "../support/plans.ts";
import { openTemplate } from "../support/test-storage.ts";

const AUTHOR = "00000000-0000-7000-8000-000000000007" as UserId;
const POSTS = 20_000;
/** The maximum number of rows whose terms a scan reads. */
const MAX_READ_ROWS = 250;

/**
 * Posts with words in all, in a half, in few and in older posts alone, and their index. The terms are those of the analysis, with
 * fewer beginnings.
 */
const ROWS = filling(`
  insert into users
    select id_of(n), 'Ada', n || '@example.org', n || '@example.org', 'hash', 'author', 1, now(), now()
    from generate_series(1, 100) n;
  insert into posts
    select id_of(n), case when n % 3 = 0 then 'Performance of engines' else 'A title ' || n end,
      'common word' || n || case when n % 2 = 0 then ' half' else ' quarter' end || case when n % 1000 = 1 then ' rare' else '' end
        || case when n % 25 = 1 then ' seldom' else '' end || case when n <= ${POSTS / 4} then ' formerly' else '' end,
      id_of(1 + n % 100), case when n % 10 = 0 then 'draft' else 'published' end,
      case when n % 10 <> 0 then moment_of(n) end, 1, now(), now()
    from generate_series(1, ${POSTS}) n;
  insert into post_search (post_id, ordinal, version, analysis, published_at, bytes, terms)
    select id, n, 1, ${ANALYSIS_VERSION}, published_at, 500, (
      select array_to_tsvector(array_agg(distinct n / 4096 || case when status = 'draft' then '-' else '.' end || lexeme)
        || array[n / 4096 || '@' || n % 4096 / 512])
      from (
        select unnest(array['@', '@a' || author_id]) as lexeme
        union all select unnest(array[word, '^' || left(word, 3), '^' || left(word, 4), '^' || left(word, 5)])
          from regexp_split_to_table(lower(title || ' ' || content), ' ') as word
        union all select unnest(array['=' || word, '=^' || left(word, 3), '=^' || left(word, 5)])
          from regexp_split_to_table(lower(title), ' ') as word
        union all select '~' || left(word, n) || substr(word, n + 2)
          from regexp_split_to_table(lower(title), ' ') as word, generate_series(1, length(word) - 1) n where length(word) > 3
      ) as lexemes)
    from (select *, row_number() over (order by id) as n from posts) as posts;
  update search_index set analysis = ${ANALYSIS_VERSION}, is_complete = true, last_ordinal = ${POSTS};
  select merge_post_search();
`);

/** Returns the number of rows that a node has read. */
const rowsOf = (node: PlanNode) =>
  (node["Actual Loops"] ?? NaN) *
  ((node["Actual Rows"] ?? NaN) + (node["Rows Removed by Filter"] ?? 0) + (node["Rows Removed by Index Recheck"] ?? 0));

describe(`a search of ${POSTS} posts`, () => {
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
  }, 240_000);
  afterAll(async () => engine.close());

  const search = async (query: string, filter: PostFilter, isCounted: boolean) => {
    sent = [];
    const page = { limit: 20, from: null, isCounted };
    return (await posts.search(filter, parseSearchQuery(query)._unsafeUnwrap(), page))._unsafeUnwrap();
  };
  const explained = async ({ sql, params }: (typeof sent)[number]) => {
    const { rows } = await engine.query<ExplainedRow>(`explain (analyze, format json) ${sql}`, params);
    return rows.flatMap(nodesOf);
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
      ["a word in the oldest quarter", "formerly", PUBLISHED_POSTS, 20],
      ["two common words that no post has together", "half quarter", PUBLISHED_POSTS, 0],
      ["a phrase of common words that no post has", '"half common"', PUBLISHED_POSTS, 0],
      ["the negation of a word in every post", "-common", PUBLISHED_POSTS, 0],
      ["a common word and the negation of a word in every post", "half -common", PUBLISHED_POSTS, 0],
      ["a word and the negation of a word in every older post", "seldom -formerly", PUBLISHED_POSTS, 20],
      ["the beginning of a word in every post", "comm", PUBLISHED_POSTS, 20],
      ["a beginning of two letters, which has no entry in the index", "co", PUBLISHED_POSTS, 20],
      ["a beginning of two letters that no word has", "zz", PUBLISHED_POSTS, 0],
      ["sixteen letters", "a b c d e f g h i j k l m n o p", PUBLISHED_POSTS, 0],
      ["a typo in a word of a third of the titles", "perfarmance", PUBLISHED_POSTS, 20],
      ["typos in two words that no title has together", "perfarmance titel", PUBLISHED_POSTS, 0],
      ["a common word in an author's drafts", "common", ofAuthor, 0],
      ["a common word in an author's posts", "common", postsOf(AUTHOR), 20],
      ["a common word in the posts of one hour", "common", anHour, 20],
      ["a common word in an hour before the first post", "common", within("2025-01-01", "2025-02-01"), 0],
      ["a common word in an author's posts of one month", "common", within("2026-01-01", "2026-02-01", AUTHOR), 20],
    ])(
      "for %s uses the index and reads a bounded number of rows",
      async (_, query, filter, found) => {
        await engine.exec(`set plan_cache_mode = ${mode}`);
        for (const isCounted of [false, true]) {
          expect((await search(query, filter, isCounted)).items).toHaveLength(found);
          const statements = [...sent];
          // Three groups of passes, the texts of posts with typos, and the page.
          expect(statements.length).toBeLessThanOrEqual(3 * MAX_STEPS + 5);
          for (const statement of statements) {
            const nodes = await explained(statement);
            const read = nodes.filter((node) => node["Relation Name"] !== undefined);
            expect(read.map((node) => node["Node Type"] === "Seq Scan" && node["Relation Name"])).not.toContain(
              "posts",
            );
            for (const node of read) {
              const isNarrow = node["Node Type"] === "Bitmap Heap Scan";
              const loops = Math.max(1, node["Actual Loops"] ?? 1);
              const most = isNarrow ? MAX_SCANNED_ROWS + 1 : MAX_READ_ROWS * 4;
              expect(
                (isNarrow ? rowsOf(node) / loops : rowsOf(node)) - (node["Rows Removed by Filter"] ?? 0),
              ).toBeLessThanOrEqual(most);
              // Otherwise it would have read the terms of each row.
              expect(node["Rows Removed by Index Recheck"] ?? 0).toBe(0);
            }
          }
          const all = (await Promise.all(statements.slice(0, 1).map(explained))).flat();
          expect(all.map((node) => node["Index Name"])).toContain("post_search_terms_idx");
          expect(all.map((node) => node["Node Type"] === "Seq Scan" && node["Relation Name"])).not.toContain(
            "post_search",
          );
        }
      },
      60_000,
    );
  });
});
