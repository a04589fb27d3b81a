import autocannon from "autocannon";
import { encodeCursor } from "../src/interfaces/http/cursor.ts";
import type { PostId } from "../src/domain/id.ts";
import { DATA_SET, postId } from "./data-set.ts";

/** What is asked of a contender, again and again. */
export interface Work {
  readonly name: string;
  readonly connections: number;
  readonly requests: readonly autocannon.Request[];
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const HEADERS = { Authorization: `Bearer ${DATA_SET.token}` };
/** Pages that are asked for, among all that there are. */
const CURSORS = 500;

const randomPost = () => 1 + Math.floor(Math.random() * DATA_SET.posts);
const readOne = (): autocannon.Request => ({
  method: "GET",
  setupRequest: (request) => ({ ...request, path: `/v1/posts/${postId(randomPost())}` }),
});
const write = (): autocannon.Request => ({
  method: "POST",
  path: "/v1/posts",
  headers: { ...HEADERS, "Content-Type": "application/json" },
  body: JSON.stringify({ title: "A post", content: DATA_SET.content, status: "published" }),
});

/**
 * All that is measured.
 *
 * @param draftId A draft of the user whose token the load has.
 * @param isOpaque Whether the contender's cursors are Quire's; the others take an id.
 */
export async function works(draftId: string, isOpaque: boolean): Promise<readonly Work[]> {
  const ids = Array.from({ length: CURSORS }, () => postId(Math.max(randomPost(), 21)));
  const cursors = isOpaque ? await Promise.all(ids.map(async (id) => encodeCursor("posts", id as PostId))) : ids;
  const randomPage = (): autocannon.Request => ({
    method: "GET",
    setupRequest: (request) => {
      const cursor = cursors[Math.floor(Math.random() * cursors.length)];
      return { ...request, path: `/v1/posts?limit=20&cursor=${cursor}` };
    },
  });
  const firstPage: autocannon.Request = { method: "GET", path: `/v1/posts${isOpaque ? "?limit=20" : ""}` };
  const draft: autocannon.Request = { method: "GET", path: `/v1/posts/${draftId}`, headers: HEADERS };
  const mixed = [...Array.from({ length: 9 }, readOne), write()];
  return [
    { name: "GET by id", connections: 1, requests: [readOne()] },
    { name: "GET by id", connections: 10, requests: [readOne()] },
    { name: "GET by id", connections: 50, requests: [readOne()] },
    { name: "POST", connections: 1, requests: [write()] },
    { name: "POST", connections: 50, requests: [write()] },
    { name: "first page", connections: 50, requests: [firstPage] },
    { name: "random page", connections: 50, requests: [randomPage()] },
    { name: "mixed 90/10", connections: 50, requests: mixed },
    { name: "own draft", connections: 50, requests: [draft] },
  ];
}

/** Makes a draft for the user whose token the load has, and gives its id. */
export async function createDraft(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/posts`, {
    method: "POST",
    headers: { ...HEADERS, "Content-Type": "application/json" },
    body: JSON.stringify({ title: "A draft", content: DATA_SET.content, status: "draft" }),
  });
  if (response.status !== 201) throw new Error(`The draft was answered with ${response.status}.`);
  return ((await response.json()) as { readonly id: string }).id;
}

/** Throws when a request failed: then nothing was measured. */
export async function measure(url: string, { connections, requests }: Work, seconds: number): Promise<Measured> {
  const result = await autocannon({ url, connections, duration: seconds, requests: [...requests] });
  const { non2xx, errors, latency } = result;
  if (non2xx > 0 || errors > 0) throw new Error(`${non2xx} requests were refused, ${errors} failed.`);
  return { perSecond: result.requests.average, p50Ms: latency.p50, p99Ms: latency.p99 };
}
