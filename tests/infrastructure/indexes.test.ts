import type { PGlite } from "@electric-sql/pglite";
import { drizzle, type PgliteDatabase } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Fingerprint,
  IdempotencyRecord,
  KeyDigest,
  SealedResult,
} from "../../src/domain/shared/idempotency-record.ts";
import type { Repositories } from "../../src/application/ports/unit-of-work.ts";
import { visiblePosts } from "../../src/domain/access.ts";
import type { PostListQuery } from "../../src/domain/post/post-list.ts";
import type { EmailAddress } from "../../src/domain/user/email-address.ts";
import type { Id, PostId, SessionId, UserId } from "../../src/domain/shared/id.ts";
import { POST_SORT_KEYS, sortKey, type PostFilter, type PostSort } from "../../src/domain/post/post-list.ts";
import type { Session, TokenDigest } from "../../src/domain/session/session.ts";
import type { Version } from "../../src/domain/shared/version.ts";
import { ANY_STORAGE } from "../../src/infrastructure/drizzle/account-quota.ts";
import { renewEmailKeys } from "../../src/infrastructure/drizzle/email-keys.ts";
import { purgeRateLimits } from "../../src/infrastructure/drizzle/drizzle-rate-limiter.ts";
import { renewTitleKeys } from "../../src/infrastructure/drizzle/title-keys.ts";
import { drizzleRepositories } from "../../src/infrastructure/drizzle/drizzle-unit-of-work.ts";
import {
  ANY_BATCH,
  aDraft,
  aRecord,
  EVERY_DRAFT,
  past,
  PUBLISHED_POSTS,
  recordingLog,
} from "../../src/testing/fixtures.ts";
import { filling, nodesOf, type ExplainedRow, type PlanNode } from "../support/plans.ts";
import { fillCluster, openTemplate, type FilledCluster } from "../support/test-storage.ts";

const USERS = 2_000;
/** Enough posts for the plans of a large table. The plans of 100,000 posts are the same. */
const POSTS = 30_000;
const SESSIONS = 5_000;
const IDEMPOTENCY_KEYS = 5_000;
const RATE_LIMITS = 5_000;

/** The id of the n-th row of a table below. */
const idOf = <AnId extends Id<string>>(n: number) =>
  `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}` as AnId;

/** The author of a quarter of all posts. */
const PROLIFIC = 700;

// Most posts are drafts, so a list of published posts needs an index that skips them.
const ROWS = filling(`
  insert into users
    select id_of(n), 'Ada', n || '@example.org', n || '@example.org', 'hash',
      case when n % 500 = 0 then 'admin' else 'author' end, 1, now(), now()
    from generate_series(1, ${USERS}) n;
  insert into posts (id, title, content, author_id, status, published_at, version, created_at, updated_at, title_key, title_key_version)
    select id_of(n), 'Title ' || n * 31 % 1000, repeat('content ', 40),
      id_of(case when n % 4 = 0 then ${PROLIFIC} else 1 + n * 7919 % ${USERS} end),
      case when n % 100 = 0 then 'published' else 'draft' end, case when n % 100 = 0 then moment_of(n * 13) end, 1,
      moment_of(n), moment_of(n * 17), 'title ' || length((n * 31 % 1000)::text) || n * 31 % 1000, 1
    from generate_series(1, ${POSTS}) n;
  insert into sessions
    select id_of(n), id_of(1 + n * 7919 % ${USERS}), 'digest ' || n, now(), now(), '2026-01-01'::timestamptz + n * interval '1 minute'
    from generate_series(1, ${SESSIONS}) n;
  insert into idempotency_keys
    select 'digest ' || n, id_of(1 + n * 7919 % ${USERS}), 'fingerprint', 'answer', now(), '2026-01-01'::timestamptz + n * interval '1 minute'
    from generate_series(1, ${IDEMPOTENCY_KEYS}) n;
  insert into rate_limits
    select 'digest ' || n, 1, false, '2026-01-01'::timestamptz + n * interval '1 minute'
    from generate_series(1, ${RATE_LIMITS}) n;
`);

const NOW = new Date("2026-01-01T00:30:00Z");
const USER = idOf<UserId>(PROLIFIC);
const OTHER = idOf<UserId>(900);
const VERSION = 1 as Version;
const FIRST = { limit: 20, from: null };
/** A published post within each of {@link WINDOWS}. */
const MIDDLE = 10_000;

interface Query {
  readonly sql: string;
  readonly params: unknown[];
}

type Call = (repositories: Repositories) => Promise<unknown>;

const anything: PostListQuery = {
  kind: "list",
  authorId: null,
  status: null,
  publishedAfter: null,
  publishedBefore: null,
  sort: { by: "created", descending: true },
};

const VIEWERS = {
  nobody: null,
  "an author": { userId: USER, role: "author", sessionId: idOf<SessionId>(1) },
  "an admin": { userId: idOf<UserId>(500), role: "admin", sessionId: idOf<SessionId>(1) },
} as const;

const WINDOWS = [
  {},
  { publishedAfter: new Date("2026-01-10T00:00:00Z") },
  { publishedBefore: new Date("2026-01-25T00:00:00Z") },
  { publishedAfter: new Date("2026-01-10T00:00:00Z"), publishedBefore: new Date("2026-01-25T00:00:00Z") },
];

/** All lists that the API allows each viewer, except lists that are always empty. */
const ALLOWED: readonly (readonly [string, PostListQuery, PostFilter])[] = Object.entries(VIEWERS).flatMap(
  ([who, viewer]) =>
    [null, USER, OTHER].flatMap((authorId) =>
      ([null, "draft", "published"] as const).flatMap((status) =>
        POST_SORT_KEYS.flatMap((by) =>
          (by === "published" ? WINDOWS : [{}]).flatMap((window) =>
            [true, false].flatMap((descending): (typeof ALLOWED)[number][] => {
              const query = { ...anything, authorId, status, ...window, sort: { by, descending } };
              const filter = visiblePosts(viewer, query);
              if (filter.published === null && filter.drafts === null) return [];
              return [[`${who}: ${JSON.stringify(query)}`, query, filter]];
            }),
          ),
        ),
      ),
    ),
);

/** One of the allowed lists for each statement. Several viewers may see the same list. */
const QUERIES = [
  ...new Map(ALLOWED.map((allowed) => [JSON.stringify([allowed[1].sort, allowed[2]]), allowed])).values(),
];

/** For each sort, the index of a list of all posts and the index of a list of an author's posts. */
const INDEXES_OF = {
  created: ["posts_status_idx", "posts_author_idx"],
  updated: ["posts_updated_idx", "posts_author_updated_idx"],
  published: ["posts_published_at_idx", "posts_author_published_at_idx"],
  title: ["posts_title_idx", "posts_author_title_idx"],
} as const;

function indexesOf(filter: PostFilter, { by }: PostSort): string[] {
  const [ofAll, ofAuthor] = INDEXES_OF[by];
  const ranges = [filter.published, filter.drafts].filter((range) => range !== null);
  const used = ranges.map(({ authorId }) => (authorId === null ? ofAll : ofAuthor));
  return [...new Set(["posts_pkey", ...used])].toSorted((a, b) => a.localeCompare(b));
}

const touched = { id: idOf<SessionId>(700), lastUsedAt: NOW, expiresAt: NOW } as Session;

const RECORD: IdempotencyRecord = {
  keyDigest: "new digest" as KeyDigest,
  userId: USER,
  fingerprint: "fingerprint" as Fingerprint,
  result: "answer" as SealedResult,
  createdAt: NOW,
  expiresAt: NOW,
};

const CALLS: readonly (readonly [string, Call, readonly string[]])[] = [
  ["users.findById", async ({ users }) => users.findById(USER), ["users_pkey"]],
  [
    "users.findByEmail",
    async ({ users }) => users.findByEmail("700@example.org" as EmailAddress),
    ["users_email_key_unique"],
  ],
  ["users.hasAdmin", async ({ users }) => users.hasAdmin(), ["users_admin_idx"]],
  ["users.hasAdmin, except one user", async ({ users }) => users.hasAdmin(USER), ["users_admin_idx"]],
  ["users.list", async ({ users }) => users.list("everybody", FIRST), ["users_pkey"]],
  [
    "users.list, after a cursor",
    async ({ users }) => users.list("everybody", { limit: 20, from: past(USER) }),
    ["users_pkey"],
  ],
  ["posts.findById", async ({ posts }) => posts.findById(idOf<PostId>(700), EVERY_DRAFT), ["posts_pkey"]],
  [
    "posts.findById, of an author's drafts",
    async ({ posts }) => posts.findById(idOf<PostId>(700), { authorId: USER }),
    ["posts_pkey"],
  ],
  ["users.findRemoval", async ({ users }) => users.findRemoval(USER), ["users_removal_idx"]],
  ["users.listRemovals", async ({ users }) => users.listRemovals(100), ["users_removal_idx"]],
  [
    "users.requestRemoval",
    async ({ users }) =>
      users.requestRemoval({
        userId: idOf<UserId>(901),
        version: VERSION,
        posts: { kind: "reassign", to: USER },
        requestedAt: NOW,
      }),
    ["account_usage_pkey", "users_pkey", "users_removal_heir_idx"],
  ],
  ["posts.insert", async ({ posts }) => posts.insert(aDraft(USER)), ["account_usage_pkey"]],
  [
    "posts.update",
    async ({ posts }) => posts.update({ ...aDraft(USER), id: idOf<PostId>(700) }, VERSION),
    ["account_usage_pkey", "posts_pkey"],
  ],
  // A batch continues after the previous one through the index of an author's posts, and does not revisit deleted rows.
  [
    "posts.deleteByAuthor",
    async ({ posts }) => posts.deleteByAuthor(OTHER, ANY_BATCH, { status: "draft", id: idOf<PostId>(1) }),
    ["posts_author_idx", "posts_pkey"],
  ],
  [
    "posts.reassign",
    async ({ posts }) => posts.reassign(USER, OTHER, NOW, { rows: 1, bytes: 1 }, null),
    ["account_usage_pkey", "posts_author_idx", "posts_pkey"],
  ],
  ["posts.delete", async ({ posts }) => posts.delete(idOf<PostId>(700), VERSION), ["posts_pkey"]],
  [
    "sessions.findByTokenDigest",
    async ({ sessions }) => sessions.findByTokenDigest("digest 700" as TokenDigest),
    ["sessions_token_digest_unique"],
  ],
  ["sessions.listByUser", async ({ sessions }) => sessions.listByUser(USER, NOW, FIRST), ["sessions_user_idx"]],
  [
    "sessions.listByUser, after a cursor",
    async ({ sessions }) => sessions.listByUser(USER, NOW, { limit: 20, from: past(idOf<SessionId>(4_000)) }),
    ["sessions_user_idx"],
  ],
  ["sessions.renew", async ({ sessions }) => sessions.renew(touched), ["sessions_pkey"]],
  ["sessions.delete", async ({ sessions }) => sessions.delete(idOf<SessionId>(4_700), USER), ["sessions_user_idx"]],
  [
    "sessions.deleteOldest",
    async ({ sessions }) => sessions.deleteOldest(OTHER, 1000, 100),
    ["sessions_pkey", "sessions_user_idx"],
  ],
  ["sessions.deleteByUser", async ({ sessions }) => sessions.deleteByUser(OTHER, null), ["sessions_user_idx"]],
  [
    "sessions.deleteExpired",
    async ({ sessions }) => sessions.deleteExpired(NOW, 1000),
    ["sessions_expiry_idx", "sessions_pkey"],
  ],
  [
    "idempotencyKeys.claim",
    async ({ idempotencyKeys }) => idempotencyKeys.claim("digest 700" as KeyDigest, NOW),
    ["idempotency_keys_pkey"],
  ],
  [
    "posts.insert with a record",
    async ({ posts }) => posts.insert({ post: aDraft(USER), record: RECORD }),
    ["account_usage_pkey"],
  ],
  [
    "posts.insert of several posts at once",
    async ({ posts }) => Promise.all([USER, OTHER].map(async (author) => posts.insert(aDraft(author)))),
    ["account_usage_pkey"],
  ],
  [
    "posts.insert of several posts with records at once",
    async ({ posts }) =>
      Promise.all(["a", "b"].map(async (key) => posts.insert({ post: aDraft(USER), record: aRecord(USER, key) }))),
    ["account_usage_pkey"],
  ],
  [
    "idempotencyKeys.find",
    async ({ idempotencyKeys }) => idempotencyKeys.find("digest 700" as KeyDigest),
    ["idempotency_keys_pkey"],
  ],
  [
    "idempotencyKeys.deleteByUser",
    async ({ idempotencyKeys }) => idempotencyKeys.deleteByUser(OTHER, ANY_BATCH),
    ["idempotency_keys_pkey", "idempotency_keys_user_idx"],
  ],
  [
    "idempotencyKeys.deleteExpired",
    async ({ idempotencyKeys }) => idempotencyKeys.deleteExpired(NOW, ANY_BATCH),
    ["idempotency_keys_expiry_idx", "idempotency_keys_pkey"],
  ],
];

const SETTINGS = {
  "the embedded engine": "",
  // A server first makes a custom plan for each set of values, and analyses 30,000 rows of a table.
  "a server": `set plan_cache_mode = force_custom_plan; set enable_sort = on; set enable_incremental_sort = on;
    set default_statistics_target = 100; analyze posts, users`,
};

/** The indexes by which a start finds users and posts with outdated keys. */
const FOR_STARTS = ["posts_outdated_title_key_idx", "users_unicode_email_idx"];
const FOR_RATE_LIMITS = ["rate_limits_end_idx", "rate_limits_pkey"];
/** The indexes of a search, whose plans have a test of their own, and of the table with its state, which has one row. */
const FOR_SEARCHES = ["post_search_pkey", "post_search_terms_idx", "search_index_pkey"];

const indexesIn = (nodes: readonly PlanNode[]) =>
  [...new Set(nodes.flatMap((node) => node["Index Name"] ?? []))].toSorted((a, b) => a.localeCompare(b));

describe("the indexes of the schema", () => {
  let filled: FilledCluster;
  let engine: PGlite;
  let repositories: Repositories;
  let db: PgliteDatabase;
  const sent: Query[] = [];

  beforeAll(async () => {
    filled = await fillCluster(ROWS);
    engine = await filled.open();
    const logger = { logQuery: (sql: string, params: unknown[]) => void sent.push({ sql, params }) };
    db = drizzle({ client: engine, logger });
    repositories = drizzleRepositories(db, ANY_STORAGE);
    // Before a vacuum, index-only scans read the table, and new entries of a GIN index are in its pending list
    // (PostgreSQL 18, 65.4.4.1).
    await engine.exec("vacuum analyze");
  });
  afterAll(async () => {
    await engine.close();
    await filled.remove();
  });

  /** Returns the plan nodes of the statements that a call sends. */
  async function plansOf(call: Call): Promise<PlanNode[]> {
    sent.length = 0;
    await call(repositories);
    const nodes: PlanNode[] = [];
    for (const { sql } of sent.splice(0)) {
      // The engine uses generic plans (start-parameters.ts).
      const [answer] = await engine.exec(`explain (generic_plan, format json) ${sql}`);
      nodes.push(...((answer?.rows ?? []) as ExplainedRow[]).flatMap(nodesOf));
    }
    expect(nodes.length).toBeGreaterThan(0);
    return nodes;
  }

  it.each(CALLS)("serve %s without reading a whole table", async (_, call, indexes) => {
    const nodes = await plansOf(call);
    expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(indexesIn(nodes)).toEqual(indexes);
  });

  it("serve the search for outdated e-mail keys at a start without reading a whole table", async () => {
    const nodes = await plansOf(async () => renewEmailKeys(db, recordingLog()));
    expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(indexesIn(nodes)).toEqual(["users_unicode_email_idx"]);
  });

  it("serve the purge of ended rate limits without reading a whole table", async () => {
    const nodes = await plansOf(async () => purgeRateLimits(db, NOW));
    expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(indexesIn(nodes)).toEqual(FOR_RATE_LIMITS);
  });

  it("serve the renewal of outdated title keys without reading a whole table", async () => {
    const outdated = "update posts set title_key_version = null where id between id_of(501) and id_of(750)";
    await engine.exec(outdated);
    const nodes = await plansOf(async () => renewTitleKeys(db, () => false));
    expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(indexesIn(nodes)).toEqual(["posts_outdated_title_key_idx", "posts_pkey"]);
  });

  /** Runs the single statement of a call with its values, and returns the nodes of its plan. */
  async function runPlanOf(call: Call, on = engine): Promise<PlanNode[]> {
    sent.length = 0;
    await call(repositories);
    expect(sent).toHaveLength(1);
    const { sql, params } = sent[0] as Query;
    await on.exec(`deallocate all; prepare page as ${sql}`);
    const values = params.map((value) => `'${value instanceof Date ? value.toISOString() : String(value)}'`);
    const [answer] = await on.exec(`explain (analyze, timing off, format json) execute page (${values.join(", ")})`);
    return ((answer?.rows ?? []) as ExplainedRow[]).flatMap(nodesOf);
  }

  /** Returns true if a node reads at most one page and one more row from each of two ranges. */
  const isPage = (node: PlanNode) =>
    (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0) <= 2 * (FIRST.limit + 1);

  /** Reads the first page of each list with a sort, and the pages before and after a post in it. */
  async function expectPagesInOrder(by: PostSort["by"], on = engine): Promise<void> {
    const middle = (await repositories.posts.findById(idOf<PostId>(MIDDLE), EVERY_DRAFT))._unsafeUnwrap();
    const queries = QUERIES.filter(([, { sort }]) => sort.by === by);
    expect(queries.length).toBeGreaterThan(10);
    for (const [name, { sort }, filter] of queries) {
      const place = { key: sortKey(middle, sort), id: middle.id };
      for (const from of [null, { ...place, direction: "forward" }, { ...place, direction: "backward" }] as const) {
        const nodes = await runPlanOf(async ({ posts }) => posts.list(filter, sort, { ...FIRST, from }), on);
        expect(indexesIn(nodes), name).toEqual(indexesOf(filter, sort));
        expect(
          nodes.map((node) => node["Node Type"]),
          name,
        ).not.toContain("Seq Scan");
        expect(nodes.every(isPage), name).toBe(true);
      }
    }
  }

  describe.each(Object.entries(SETTINGS))("with the settings of %s", (_, settings) => {
    beforeAll(async () => engine.exec(settings));
    afterAll(async () => engine.exec("reset all; analyze posts, users"));

    it.each(POST_SORT_KEYS)("return each page by %s in order without reading other rows", async (by) => {
      await expectPagesInOrder(by);
    });
  });

  it("return each page in order on the embedded engine before the first analyze", async () => {
    const young = await filled.open();
    for (const by of POST_SORT_KEYS) await expectPagesInOrder(by, young);
    await young.close();
  });

  describe("of a page of published authors among many other users", () => {
    let young: PGlite;

    beforeAll(async () => {
      young = await filled.open();
      // All users have drafts. 50 of the 1,000 users have 40 published posts each.
      await young.exec(
        `insert into posts select id_of(1000000 + n), 'T', 'C', id_of(1 + n % 50 * 20), 'published', moment_of(n), 1, now(), now()
         from generate_series(1, 2000) n`,
      );
    });
    afterAll(async () => young.close());

    async function expectOnlyUsersOfPage(): Promise<void> {
      const middle = past(idOf<UserId>(500));
      for (const from of [null, middle, { ...middle, direction: "backward" as const }]) {
        const nodes = await runPlanOf(async ({ users }) => users.list("published_authors", { limit: 20, from }), young);
        expect(indexesIn(nodes)).toEqual(["posts_author_published_at_idx", "users_pkey", "users_removal_idx"]);
        expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
        for (const node of nodes) {
          const rows = (node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0);
          expect(rows * (node["Actual Loops"] ?? 1)).toBeLessThanOrEqual(FIRST.limit + 2);
        }
      }
    }

    it("read only the users of the page on the embedded engine before the first analyze", expectOnlyUsersOfPage);

    describe("after an analyze", () => {
      beforeAll(async () => young.exec("vacuum analyze"));

      it.each(Object.entries(SETTINGS))(
        "read only the users of the page with the settings of %s",
        async (_, settings) => {
          await young.exec(settings);
          await expectOnlyUsersOfPage();
        },
      );
    });
  });

  it.each<[string, Call]>([
    ["posts.hasPublished", async ({ posts }) => posts.hasPublished(OTHER)],
    ["posts.hasPublished, of an author with many posts", async ({ posts }) => posts.hasPublished(USER)],
  ])("serve %s with one entry", async (_, call) => {
    const nodes = await runPlanOf(call);
    expect(indexesIn(nodes)).toEqual([expect.stringMatching(/^posts_author_/)]);
    for (const node of nodes) {
      expect((node["Actual Rows"] ?? 0) + (node["Rows Removed by Filter"] ?? 0)).toBeLessThanOrEqual(1);
    }
  });

  it("serve the count of every list with index-only scans", async () => {
    const counted = { ...FIRST, isCounted: true };
    for (const [name, { sort }, filter] of QUERIES) {
      const nodes = await plansOf(async ({ posts }) => posts.list(filter, sort, counted));
      expect(
        nodes.map((node) => node["Node Type"]),
        name,
      ).not.toContain("Seq Scan");
      const counts = nodes.filter((node) => node["Node Type"] === "Aggregate");
      const scans = counts.flatMap(({ Plans: plans = [] }) => plans.map((node) => node["Node Type"]));
      expect(new Set(scans), name).toEqual(new Set(["Index Only Scan"]));
    }
  });

  describe("of posts that were analysed before most became drafts", () => {
    let young: PGlite;

    beforeAll(async () => {
      young = await openTemplate();
      await young.exec(ROWS.replaceAll("n % 100 = 0", "true").replaceAll(String(POSTS), String(POSTS / 10)));
      await young.exec("analyze");
      await young.exec("update posts set status = 'draft', published_at = null where id > id_of(100)");
    });
    afterAll(async () => young.close());

    it.each(POST_SORT_KEYS)("return a page by %s without reading the drafts in between", async (by) => {
      const sort = { by, descending: true };
      expect(
        (await runPlanOf(async ({ posts }) => posts.list(PUBLISHED_POSTS, sort, FIRST), young)).every(isPage),
      ).toBe(true);
    });
  });

  it("are each used by a query of a port, or serve a cascade", async () => {
    const { rows } = await engine.query<{ name: string }>(
      "select indexname as name from pg_indexes where schemaname = 'public' order by indexname",
    );
    const used = new Set([
      ...CALLS.flatMap(([, , indexes]) => indexes),
      ...Object.values(INDEXES_OF).flat(),
      ...FOR_STARTS,
      ...FOR_RATE_LIMITS,
      ...FOR_SEARCHES,
    ]);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => row.name).filter((name) => !used.has(name))).toEqual([]);
  });
});
