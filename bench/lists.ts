/**
 * The cost of the sort indexes for writes, and the cost of a page in each sort order.
 *
 * `npm run bench:lists` runs the app with 100,000 posts in this process. It reads pages in each sort order. It writes to this
 * app and, in turns, to one that has only the index of the default order. It prints microseconds of processor time of all
 * threads for each request, because other load on the machine hardly changes that.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostId } from "../src/domain/shared/id.ts";
import { POST_SORT_KEYS, type PostSort } from "../src/domain/post/post-list.ts";
import { encodeCursor } from "../src/interfaces/http/cursor.ts";
import { postListName, toListQuery } from "../src/interfaces/http/routes/posts/post-query.ts";
import { authorId, DATA_SET, postId, postText, WRITTEN } from "./data-set.ts";
import { fillQuire, openApp } from "./quire.ts";
import { median } from "./table.ts";

const ROUNDS = 15;
const CALLS = 200;
const AT_A_TIME = 50;
const MIDDLE = DATA_SET.posts / 2;

const OF_LISTS = ["updated", "author_updated", "published_at", "author_published_at", "title", "author_title"];
const WITHOUT = `drop index ${OF_LISTS.map((name) => `posts_${name}_idx`).join(", ")}`;

const moment = new Date(MIDDLE * 1000).toISOString();
const titles = Array.from({ length: DATA_SET.posts }, (_, index) => postText(index + 1).title).toSorted();
const KEYS = { created: null, updated: moment, published: moment, title: titles[MIDDLE] ?? "" } as const;

type App = Awaited<ReturnType<typeof openApp>>["app"];
type Work = (app: App) => Promise<Response>;

const get = (path: string) => async (app: App) => app.request(path);

function pagesBy(by: PostSort["by"]): [string, Work][] {
  const sort = `-${by}` as const;
  const place = { direction: "forward", key: KEYS[by], id: postId(MIDDLE) as PostId } as const;
  const path = `/v1/posts?limit=20&sort=${sort}`;
  const cursor = encodeCursor(postListName("posts", toListQuery({ sort })), place);
  return [
    [`${sort}: first page`, get(path)],
    [`${sort}: in the middle`, get(`${path}&cursor=${cursor}`)],
  ];
}

const READS: readonly [string, Work][] = [
  ...POST_SORT_KEYS.flatMap(pagesBy),
  ["-created: first page, counted", get("/v1/posts?limit=20&count=true")],
];

const EVERYBODY_LOGS_IN = `insert into sessions (id, user_id, token_digest, created_at, last_used_at, expires_at)
  select uuidv7(), id, encode(sha256(id::text::bytea), 'hex'), now(), now(), now() + interval '30 days' from users`;

const title = () => `${Math.random().toString(36).slice(2)} post`;
const somePost = () => 1 + Math.floor(Math.random() * DATA_SET.posts);

/** Sends a request as the author of a post. The token of an author's session is the author's id. */
async function send(app: App, post: number, method: string, path: string, body: object): Promise<Response> {
  const headers = { Authorization: `Bearer ${authorId(post)}`, "Content-Type": "application/json" };
  return app.request(path, { method, headers, body: JSON.stringify(body) });
}

const create = (status: string) => async (app: App) =>
  send(app, somePost(), "POST", "/v1/posts", { title: title(), content: WRITTEN, status });

async function edit(app: App): Promise<Response> {
  const post = somePost();
  return send(app, post, "PATCH", `/v1/posts/${postId(post)}`, { title: title() });
}

const WRITES: readonly [string, Work][] = [
  ["POST, published", create("published")],
  ["POST, draft", create("draft")],
  ["PATCH", edit],
];

async function microsecondsOf(app: App, work: Work, atATime: number): Promise<number> {
  const before = process.cpuUsage();
  for (let done = 0; done < CALLS; done += atATime) {
    const calls = Array.from({ length: atATime }, async () => {
      const answer = await work(app);
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    });
    await Promise.all(calls);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS;
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
await fillQuire(join(directory, "with"));
await cp(join(directory, "with"), join(directory, "without"), { recursive: true });
const listed = await openApp(join(directory, "with"));
const plain = await openApp(join(directory, "without"));
for (const { client } of [listed, plain]) await client.query(EVERYBODY_LOGS_IN);
await plain.client.query(WITHOUT);
const measured = new Map<string, [listed: number, plain: number][]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, work] of READS) {
    const microseconds = await microsecondsOf(listed.app, work, 1);
    measured.set(name, [...(measured.get(name) ?? []), [microseconds, Number.NaN]]);
  }
  for (const [name, work] of WRITES) {
    const ofListed = await microsecondsOf(listed.app, work, AT_A_TIME);
    const ofPlain = await microsecondsOf(plain.app, work, AT_A_TIME);
    measured.set(name, [...(measured.get(name) ?? []), [ofListed, ofPlain]]);
  }
}
await listed.close();
await plain.close();
await rm(directory, { recursive: true });

for (const [name, rounds] of measured) {
  // The first rounds are the warm-up.
  const counted = rounds.slice(3);
  const of = (side: 0 | 1) => Math.round(median(counted.map((round) => round[side])));
  const beside = Number.isNaN(of(1)) ? "" : `, without ${of(1)} µs: ${(of(0) / of(1)).toFixed(2)}`;
  process.stdout.write(`${name.padEnd(32)} ${of(0)} µs${beside}\n`);
}
