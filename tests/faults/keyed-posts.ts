import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { allPosts, type Author } from "./ledger.ts";

/** What a client was told, but for the id of the request. */
interface Told {
  readonly status: number;
  readonly headers: readonly (string | null)[];
  readonly text: string;
}

/** A post that was sent with a key of its own; `told` is `null` as long as its client knows nothing of it. */
interface KeyedPost {
  readonly author: Author;
  readonly key: string;
  readonly title: string;
  told: Told | null;
}

const KEPT_HEADERS = ["Content-Type", "ETag", "Location", "Cache-Control", "Vary"];
const PAUSE_AFTER_REFUSAL_MS = 20;

async function send(url: string, { author, key, title }: KeyedPost): Promise<Told & { readonly isReplayed: boolean }> {
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

/** Several clients that publish with keys without a pause until they are stopped, and enter what they are told. */
export function publishWithKeys(url: string, authors: readonly Author[]) {
  const stopped = new AbortController();
  const posts: KeyedPost[] = [];
  const publish = async (author: Author) => {
    while (!stopped.signal.aborted) {
      const key = randomUUID();
      const post: KeyedPost = { author, key, title: `With ${key}`, told: null };
      posts.push(post);
      const answer = await send(url, post).catch(() => null);
      if (answer?.status === 201) {
        const { isReplayed: _, ...told } = answer;
        post.told = told;
      } else {
        expect([503, undefined]).toContain(answer?.status);
        await delay(PAUSE_AFTER_REFUSAL_MS);
      }
    }
  };
  const publishing = authors.map(publish);
  return {
    posts,
    acknowledged: () => posts.filter(({ told }) => told !== null).length,
    stop: async () => {
      stopped.abort();
      await Promise.all(publishing);
    },
  };
}

/**
 * Sends posts again with their keys, and expects that those that were answered are answered the same. Gives how many of
 * the others had been done without their client being told, and how many had not.
 */
export async function repeat(url: string, posts: readonly KeyedPost[]) {
  let done = 0;
  let undone = 0;
  for (const post of posts) {
    const { isReplayed, ...told } = await send(url, post);
    if (post.told !== null) expect({ isReplayed, ...told }).toEqual({ isReplayed: true, ...post.told });
    else if (isReplayed) done++;
    else undone++;
    expect(told.status).toBe(201);
    post.told = told;
  }
  return { done, undone };
}

/**
 * Sends posts to several servers at once, each with the same key to all, and again where it is in use. Expects that all
 * give one answer, and that one of them made it. Gives the posts, and how often a key was in use.
 */
export async function publishAtAll(urls: readonly string[], author: Author, count: number) {
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
    const post: KeyedPost = { author, key, title: `With ${key}`, told: null };
    const answers = await Promise.all(urls.map(async (url) => untilAnswered(url, post)));
    expect(answers.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
    const [told, ...others] = answers.map(({ isReplayed: _, ...answer }) => answer);
    expect(others).toEqual(others.map(() => told));
    post.told = told ?? null;
    posts.push(post);
  }
  return { posts, inUse };
}

/** Expects that each post is there once, as its client was told, and no other. */
export async function expectEachOnce(url: string, posts: readonly KeyedPost[]): Promise<void> {
  const found = await allPosts(url);
  const ids = posts.map(({ title }) => found.get(title)?.id);
  expect(ids).toEqual(posts.map(({ told }) => (JSON.parse(told?.text ?? "{}") as { readonly id: string }).id));
  expect(found.size).toBe(posts.length);
}
