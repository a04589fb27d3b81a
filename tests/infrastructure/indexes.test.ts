import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeyDigest } from "../../src/application/ports/idempotency-keys.ts";
import type { Repositories } from "../../src/application/ports/unit-of-work.ts";
import type { EmailKey } from "../../src/domain/email-address.ts";
import type { Id, PostId, SessionId, UserId } from "../../src/domain/id.ts";
import type { PageRequest } from "../../src/domain/page.ts";
import { NEWEST_FIRST, type PostFilter } from "../../src/domain/post-repository.ts";
import type { Session, TokenDigest } from "../../src/domain/session.ts";
import type { Version } from "../../src/domain/version.ts";
import { drizzleRepositories } from "../../src/infrastructure/drizzle/drizzle-unit-of-work.ts";
import { EVERY_POST, past, postsOf, PUBLISHED_POSTS } from "../support/fixtures.ts";
import { openTemplate } from "../support/test-storage.ts";

const USERS = 2_000;
const POSTS = 10_000;
const SESSIONS = 5_000;
const IDEMPOTENCY_KEYS = 5_000;

/** The id that the rows below give the n-th of a table. */
const idOf = <AnId extends Id<string>>(n: number) =>
  `00000000-0000-7000-8000-${n.toString(16).padStart(12, "0")}` as AnId;

// Most posts are drafts: a list of the published ones has to leap over what it does not show.
const ROWS = `
  create function id_of(n bigint) returns uuid language sql immutable
    return ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid;
  insert into users
    select id_of(n), 'Ada', n || '@example.org', n || '@example.org', 'hash',
      case when n % 500 = 0 then 'admin' else 'author' end, 1, now(), now()
    from generate_series(1, ${USERS}) n;
  insert into posts
    select id_of(n), 'A title', repeat('content ', 40), id_of(1 + n * 7919 % ${USERS}),
      case when n % 100 = 0 then 'published' else 'draft' end, case when n % 100 = 0 then now() end, 1, now(), now()
    from generate_series(1, ${POSTS}) n;
  insert into sessions
    select id_of(n), id_of(1 + n * 7919 % ${USERS}), 'digest ' || n, now(), now(), '2026-01-01'::timestamptz + n * interval '1 minute'
    from generate_series(1, ${SESSIONS}) n;
  insert into idempotency_keys
    select id_of(n), 'digest ' || n, id_of(1 + n * 7919 % ${USERS}), 'fingerprint', 'answer', now(), '2026-01-01'::timestamptz + n * interval '1 minute'
    from generate_series(1, ${IDEMPOTENCY_KEYS}) n;
  analyze;
`;

const NOW = new Date("2026-01-01T00:30:00Z");
const USER = idOf<UserId>(700);
const OTHER = idOf<UserId>(900);
const VERSION = 1 as Version;
const MIDDLE = { limit: 20, from: past(idOf<PostId>(POSTS / 2)) };
const FIRST = { limit: 20, from: null };

/** Part of PostgreSQL's plan as `explain (format json)` gives it. */
interface PlanNode {
  readonly "Node Type": string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Query {
  readonly sql: string;
  readonly params: unknown[];
}

type Call = (repositories: Repositories) => Promise<unknown>;

const listPosts =
  (filter: PostFilter, page: PageRequest<PostId>): Call =>
  async ({ posts }) =>
    posts.list(filter, NEWEST_FIRST, page);

const FILTERS: readonly (readonly [string, PostFilter, readonly string[]])[] = [
  ["all of everyone", EVERY_POST, ["posts_pkey", "posts_published_idx"]],
  ["all of an author", postsOf(USER), ["posts_author_idx", "posts_pkey"]],
  ["the published ones of everyone", PUBLISHED_POSTS, ["posts_pkey", "posts_published_idx"]],
  ["the published ones of an author", { ...postsOf(USER), drafts: null }, ["posts_author_idx", "posts_pkey"]],
  [
    "what an author sees",
    { ...EVERY_POST, drafts: { authorId: USER } },
    ["posts_author_idx", "posts_pkey", "posts_published_idx"],
  ],
];

const touched = { id: idOf<SessionId>(700), lastUsedAt: NOW, expiresAt: NOW } as Session;

const CALLS: readonly (readonly [string, Call, readonly string[]])[] = [
  ["users.findById", async ({ users }) => users.findById(USER), ["users_pkey"]],
  [
    "users.findByEmail",
    async ({ users }) => users.findByEmail("700@example.org" as EmailKey),
    ["users_email_key_unique"],
  ],
  ["users.hasAdmin", async ({ users }) => users.hasAdmin(), ["users_admin_idx"]],
  ["users.list", async ({ users }) => users.list(FIRST), ["users_pkey"]],
  ["users.list, further on", async ({ users }) => users.list({ limit: 20, from: past(USER) }), ["users_pkey"]],
  ["posts.findById", async ({ posts }) => posts.findById(idOf<PostId>(700)), ["posts_pkey"]],
  ["posts.delete", async ({ posts }) => posts.delete(idOf<PostId>(700), VERSION), ["posts_pkey"]],
  ["posts.deleteByAuthor", async ({ posts }) => posts.deleteByAuthor(OTHER), ["posts_author_idx"]],
  ["posts.reassign", async ({ posts }) => posts.reassign(OTHER, USER, NOW), ["posts_author_idx"]],
  ...FILTERS.flatMap(([name, filter, indexes]): readonly (typeof CALLS)[number][] => [
    [`posts.list, ${name}`, listPosts(filter, FIRST), indexes],
    [`posts.list, ${name}, further on`, listPosts(filter, MIDDLE), indexes],
  ]),
  [
    "sessions.findByTokenDigest",
    async ({ sessions }) => sessions.findByTokenDigest("digest 700" as TokenDigest),
    ["sessions_token_digest_unique"],
  ],
  ["sessions.listByUser", async ({ sessions }) => sessions.listByUser(USER, NOW, FIRST), ["sessions_user_idx"]],
  [
    "sessions.listByUser, further on",
    async ({ sessions }) => sessions.listByUser(USER, NOW, { limit: 20, from: past(idOf<SessionId>(4_000)) }),
    ["sessions_user_idx"],
  ],
  ["sessions.renew", async ({ sessions }) => sessions.renew(touched), ["sessions_pkey"]],
  ["sessions.delete", async ({ sessions }) => sessions.delete(idOf<SessionId>(4_700), USER), ["sessions_user_idx"]],
  ["sessions.deleteByUser", async ({ sessions }) => sessions.deleteByUser(OTHER, null), ["sessions_user_idx"]],
  ["sessions.deleteExpired", async ({ sessions }) => sessions.deleteExpired(NOW), ["sessions_expiry_idx"]],
  [
    "idempotencyKeys.find",
    async ({ idempotencyKeys }) => idempotencyKeys.find("digest 700" as KeyDigest),
    ["idempotency_keys_digest_unique"],
  ],
  [
    "idempotencyKeys.deleteExpired",
    async ({ idempotencyKeys }) => idempotencyKeys.deleteExpired(NOW, 1000),
    ["idempotency_keys_expiry_idx", "idempotency_keys_pkey"],
  ],
];

/** By these PostgreSQL finds what goes with a row of another table, which no plan shows. */
const FOR_CASCADES = ["idempotency_keys_user_idx"];

const withNodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(withNodes)];

const indexesIn = (nodes: readonly PlanNode[]) =>
  [...new Set(nodes.flatMap((node) => node["Index Name"] ?? []))].toSorted((a, b) => a.localeCompare(b));

/** How many rows each node of a plan gave when it was run. */
const rowsRead = (node: PlanNode) => withNodes(node).map((each) => each["Actual Rows"] ?? 0);

describe("the indexes of the schema", () => {
  let engine: PGlite;
  let repositories: Repositories;
  const sent: Query[] = [];

  beforeAll(async () => {
    engine = await openTemplate();
    const logger = { logQuery: (sql: string, params: unknown[]) => void sent.push({ sql, params }) };
    repositories = drizzleRepositories(drizzle({ client: engine, logger }));
    await engine.exec(ROWS);
  });
  afterAll(async () => engine.close());

  /** The plans of the statements that a call sends. */
  async function plansOf(call: Call): Promise<PlanNode[]> {
    sent.length = 0;
    await call(repositories);
    const nodes: PlanNode[] = [];
    for (const { sql } of sent.splice(0)) {
      // The engine keeps one plan for all values (start-parameters.ts).
      const [answer] = await engine.exec(`explain (generic_plan, format json) ${sql}`);
      const rows = (answer?.rows ?? []) as { "QUERY PLAN": [{ Plan: PlanNode }] }[];
      for (const row of rows) nodes.push(...withNodes(row["QUERY PLAN"][0].Plan));
    }
    expect(nodes.length).toBeGreaterThan(0);
    return nodes;
  }

  it.each(CALLS)("answer %s without reading a whole table", async (_, call, indexes) => {
    const nodes = await plansOf(call);
    expect(nodes.map((node) => node["Node Type"])).not.toContain("Seq Scan");
    expect(indexesIn(nodes)).toEqual(indexes);
  });

  it.each(FILTERS)(
    "let a page of posts, %s, be read in their order, without reading more than a page of a range",
    async (_, filter) => {
      const { sql, params } = await statementOf(listPosts(filter, FIRST));
      const { rows } = await engine.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
        `explain (analyze, format json) ${sql}`,
        params,
      );
      // A page and one more row, of two ranges at the most.
      expect(Math.max(...rows.flatMap((row) => rowsRead(row["QUERY PLAN"][0].Plan)))).toBeLessThanOrEqual(42);
    },
  );

  async function statementOf(call: Call): Promise<Query> {
    sent.length = 0;
    await call(repositories);
    const [only] = sent;
    expect(sent).toHaveLength(1);
    return only as Query;
  }

  it("let a page of published posts be read without the drafts between, though there were none when it was analysed", async () => {
    const young = await openTemplate();
    await young.exec(ROWS.replaceAll("n % 100 = 0", "true"));
    await young.exec("update posts set status = 'draft', published_at = null where id > id_of(100)");
    const { sql, params } = await statementOf(listPosts(PUBLISHED_POSTS, FIRST));
    const { rows } = await young.query<{ "QUERY PLAN": [{ Plan: PlanNode }] }>(
      `explain (analyze, format json) ${sql}`,
      params,
    );
    const nodes = rows.flatMap((row) => withNodes(row["QUERY PLAN"][0].Plan));
    expect(indexesIn(nodes)).toContain("posts_published_idx");
    expect(Math.max(...nodes.map((node) => node["Rows Removed by Filter"] ?? 0))).toBe(0);
    await young.close();
  });

  it("are each used by a query of a port, but for those that serve a cascade", async () => {
    const { rows } = await engine.query<{ name: string }>(
      "select indexname as name from pg_indexes where schemaname = 'public' order by indexname",
    );
    const used = new Set([...CALLS.flatMap(([, , indexes]) => indexes), ...FOR_CASCADES]);
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.map((row) => row.name).filter((name) => !used.has(name))).toEqual([]);
  });
});
