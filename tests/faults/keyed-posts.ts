import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { allPosts, type Author } from "./ledger.ts";

/** A response without the id of the request. */
interface ReceivedResponse {
  readonly status: number;
  readonly headers: readonly (string | null)[];
  readonly text: string;
}

/** A post that was sent with its own Idempotency-Key. `received` is `null` until the client has a response. */
interface KeyedPost {
  readonly author: Author;
  readonly key: string;
  readonly title: string;
  received: ReceivedResponse | null;
}

const KEPT_HEADERS = ["Content-Type", "ETag", "Location", "Cache-Control", "Vary"];
const PAUSE_AFTER_REFUSAL_MS = 20;

async function send(
  url: string,
  { author, key, title }: KeyedPost,
): Promise<ReceivedResponse & { readonly isReplayed: boolean }> {
  const response = await fetch(`${url}/v1/posts`, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Authorization: `Bearer ${author.token}`,
      "Idempotency-Key": `"${key}"`,
    },
    body: JSON.stringify({ title, content: `Of ${title}`, status: "published" }),
  });
  const headers = KEPT_HEADERS.map((name) => response.headers.get(name));
  const isReplayed = response.headers.get("Idempotency-Replayed") === "true";
  return { status: response.status, headers, text: await response.text(), isReplayed };
}

/** Several clients publish with keys without a pause until they are stopped, and record the responses. */
export function publishWithKeys(url: string, authors: readonly Author[]) {
  const stopped = new AbortController();
  const posts: KeyedPost[] = [];
  const publish = async (author: Author) => {
    while (!stopped.signal.aborted) {
      const key = randomUUID();
      const post: KeyedPost = { author, key, title: `With ${key}`, received: null };
      posts.push(post);
      const answer = await send(url, post).catch(() => null);
      if (answer?.status === 201) {
        const { isReplayed: _, ...received } = answer;
        post.received = received;
      } else {
        expect([503, undefined]).toContain(answer?.status);
        await delay(PAUSE_AFTER_REFUSAL_MS);
      }
    }
  };
  const publishing = authors.map(publish);
  return {
    posts,
    acknowledged: () => posts.filter(({ received }) => received !== null).length,
    stop: async () => {
      stopped.abort();
      await Promise.all(publishing);
    },
  };
}

/**
 * Retries posts with their keys, and expects a replay of each earlier response. For the posts without a response, returns
 * the number that had been stored (`done`) and the number that had not (`undone`).
 */
export async function repeat(url: string, posts: readonly KeyedPost[]) {
  let done = 0;
  let undone = 0;
  for (const post of posts) {
    const { isReplayed, ...received } = await send(url, post);
    if (post.received !== null) expect({ isReplayed, ...received }).toEqual({ isReplayed: true, ...post.received });
    else if (isReplayed) done++;
    else undone++;
    expect(received.status).toBe(201);
    post.received = received;
  }
  return { done, undone };
}

/**
 * Sends each post to several servers at the same time with the same key, and retries while the key is in use (409). Expects
 * that one server runs it and that all give the same response. Returns the posts and the number of 409s.
 */
export async function publishToAll(urls: readonly string[], author: Author, count: number) {
  const posts: KeyedPost[] = [];
  let inUse = 0;
  const untilAnswered = async (url: string, post: KeyedPost) => {
    for (;;) {
      const answer = await send(url, post);
      if (answer.status !== 409) return answer;
      inUse++;
      await delay(PAUSE_AFTER_REFUSAL_MS);
    }
  };
  while (posts.length < count) {
    const key = randomUUID();
    const post: KeyedPost = { author, key, title: `With ${key}`, received: null };
    const answers = await Promise.all(urls.map(async (url) => untilAnswered(url, post)));
    expect(answers.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
    const [received, ...others] = answers.map(({ isReplayed: _, ...answer }) => answer);
    expect(others).toEqual(others.map(() => received));
    post.received = received ?? null;
    posts.push(post);
  }
  return { posts, inUse };
}

/** Expects that exactly these posts are stored, each once and with the id of its response. */
export async function expectEachOnce(url: string, posts: readonly KeyedPost[]): Promise<void> {
  const found = await allPosts(url);
  const ids = posts.map(({ title }) => found.get(title)?.id);
  expect(ids).toEqual(posts.map(({ received }) => (JSON.parse(received?.text ?? "{}") as { readonly id: string }).id));
  expect(found.size).toBe(posts.length);
}
