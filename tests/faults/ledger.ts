import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { amcheck } from "@electric-sql/pglite/contrib/amcheck";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { SCHEMA_EXTENSIONS } from "../support/quire-engine.ts";

/** The posts that clients have sent, by title and outcome. Each title is sent once. */
export interface Ledger {
  /** Answered with 201: the post must exist as it was sent. `at` is the time of the response in milliseconds. */
  readonly acknowledged: Map<string, { readonly id: string; readonly content: string; readonly at: number }>;
  /** Answered with an error that excludes a write: the post must not exist. */
  readonly refused: Map<string, { readonly status: number; readonly code: string }>;
  /** Not answered, or answered with `outcome_unknown`: the post may exist. */
  readonly unknown: Set<string>;
}

export interface Author {
  readonly id: string;
  readonly token: string;
}

const JSON_HEADERS = { "Content-Type": "application/json" };
const PAUSE_AFTER_REFUSAL_MS = 20;

export function newLedger(): Ledger {
  return { acknowledged: new Map(), refused: new Map(), unknown: new Set() };
}

/** Registers an author and logs them in. */
export async function newAuthor(url: string, name: string): Promise<Author> {
  const credentials = { email: `${name}@example.org`, password: "correct horse" };
  const send = async (path: string, body: object) => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: JSON_HEADERS,
      body: JSON.stringify(body),
    });
    if (response.status !== 201)
      throw new Error(`${path} was answered with ${response.status}: ${await response.text()}`);
    return (await response.json()) as { id: string; token: string };
  };
  const { id } = await send("/v1/users", { name, ...credentials });
  const { token } = await send("/v1/sessions", credentials);
  return { id, token };
}

/** Registers several authors and logs them in. */
export async function newAuthors(url: string, count: number, name = "author"): Promise<readonly Author[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => newAuthor(url, `${name}-${index}`)));
}

/** Publishes a post and records the outcome. */
export async function publish(
  url: string,
  { token }: Author,
  title: string,
  ledger: Ledger,
  bytes = 500,
): Promise<void> {
  // Random text, because PostgreSQL compresses long values.
  const content = `${title} ${randomBytes(bytes).toString("base64")}`.slice(0, bytes);
  // Recorded before it is sent, because a failure of either process leaves the outcome unknown.
  ledger.unknown.add(title);
  const response = await fetch(`${url}/v1/posts`, {
    method: "POST",
    headers: { ...JSON_HEADERS, Authorization: `Bearer ${token}` },
    body: JSON.stringify({ title, content, status: "published" }),
  });
  const body = (await response.json()) as { readonly id: string; readonly code: string };
  if (body.code === "outcome_unknown") return;
  ledger.unknown.delete(title);
  if (response.status === 201) ledger.acknowledged.set(title, { id: body.id, content, at: performance.now() });
  else ledger.refused.set(title, { status: response.status, code: body.code });
}

/**
 * Several clients publish until they are stopped. They continue when the server is unreachable.
 *
 * @param pauseMs The pause of each client after a post.
 */
export function writeWith(url: string, authors: readonly Author[], ledger: Ledger, bytes = 500, pauseMs = 0) {
  const stopped = new AbortController();
  const round = Math.random().toString(36).slice(2, 8);
  const write = async (author: Author, client: number) => {
    for (let i = 0; !stopped.signal.aborted; i++) {
      const before = ledger.acknowledged.size;
      await publish(url, author, `${round}-${client}-${i}`, ledger, bytes).catch(() => undefined);
      const restMs = ledger.acknowledged.size === before ? PAUSE_AFTER_REFUSAL_MS : pauseMs;
      if (restMs > 0) await delay(restMs);
    }
  };
  const writers = authors.map(write);
  return {
    stop: async () => {
      stopped.abort();
      await Promise.all(writers);
    },
  };
}

export function counts({ acknowledged, refused, unknown }: Ledger) {
  return { acknowledged: acknowledged.size, refused: refused.size, unknown: unknown.size };
}

/** The longest time without an acknowledged write, between the first and the last acknowledged write. */
export function longestPauseMs({ acknowledged }: Ledger): number {
  const moments = Array.from(acknowledged.values(), ({ at }) => at);
  return Math.round(Math.max(0, ...moments.slice(1).map((at, index) => at - (moments[index] ?? at))));
}

/** All published posts of a server by title. Throws if two posts have the same title. */
export async function allPosts(url: string): Promise<Map<string, { readonly id: string; readonly content: string }>> {
  const found = new Map<string, { readonly id: string; readonly content: string }>();
  for (let next: string | null = "/v1/posts?limit=100"; next !== null;) {
    const response: Response = await fetch(`${url}${next}`);
    if (response.status !== 200) throw new Error(`${next} was answered with ${response.status}`);
    const page = (await response.json()) as {
      items: { id: string; title: string; content: string }[];
      nextCursor: string;
    };
    for (const { id, title, content } of page.items) {
      if (found.has(title)) throw new Error(`Two posts have the title ${title}.`);
      found.set(title, { id, content });
    }
    next = page.nextCursor === null ? null : `/v1/posts?limit=100&cursor=${page.nextCursor}`;
  }
  return found;
}

export interface Discrepancies {
  /** Titles of acknowledged posts that are missing or differ from the request. */
  readonly lost: readonly string[];
  /** Titles of posts that exist but were refused or never sent. */
  readonly unsent: readonly string[];
}

/** Compares the posts of a server with the ledger. */
export async function compare(url: string, ledger: Ledger): Promise<Discrepancies> {
  return discrepancies(await allPosts(url), ledger);
}

export function discrepancies(found: Awaited<ReturnType<typeof allPosts>>, ledger: Ledger): Discrepancies {
  const lost = [...ledger.acknowledged].filter(([title, post]) => {
    const stored = found.get(title);
    return stored === undefined || stored.id !== post.id || stored.content !== post.content;
  });
  const unsent = [...found.keys()].filter((title) => !ledger.acknowledged.has(title) && !ledger.unknown.has(title));
  return { lost: lost.map(([title]) => title), unsent };
}

/** Compares each index of an unused data directory with its table (amcheck). Returns one line for each damaged index. */
export async function indexDamage(dataDirectory: string): Promise<string[]> {
  const fs = new NodeFS(join(dataDirectory, "cluster"));
  const engine = await PGlite.create({ fs, extensions: { ...SCHEMA_EXTENSIONS, amcheck } });
  const damage: string[] = [];
  try {
    await engine.exec("begin; create extension amcheck");
    const { rows } = await engine.query<{ name: string }>(
      `select i.indexrelid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
       join pg_am a on a.oid = c.relam where a.amname = 'btree' and c.relpersistence = 'p'`,
    );
    for (const { name } of rows) {
      await engine.exec("savepoint before");
      await engine.query("select bt_index_check($1::regclass, true)", [name]).catch((error: unknown) => {
        damage.push(`${name}: ${String(error)}`);
      });
      await engine.exec("rollback to before");
    }
    await engine.exec("rollback");
  } finally {
    await engine.close();
  }
  return damage;
}
