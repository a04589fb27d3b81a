import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { encodeCursor } from "../src/interfaces/http/cursor.ts";
import type { PostId } from "../src/domain/id.ts";
import { DATA_SET, postId } from "./data-set.ts";

export interface RequestLine {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What is asked of a contender, one after the other and again from the beginning. */
export interface Work {
  readonly name: string;
  readonly connections: number;
  readonly requests: readonly RequestLine[];
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const HEADERS = { Authorization: `Bearer ${DATA_SET.token}` };
/** Enough different posts and pages that most were not asked for lately. */
const MANY = 20_000;
const PAGES = 2000;

const randomPost = () => 1 + Math.floor(Math.random() * DATA_SET.posts);
const readOne = (): RequestLine => ({ method: "GET", path: `/v1/posts/${postId(randomPost())}` });
const write: RequestLine = {
  method: "POST",
  path: "/v1/posts",
  headers: { ...HEADERS, "Content-Type": "application/json" },
  body: JSON.stringify({ title: "A post", content: DATA_SET.content, status: "published" }),
};

/**
 * All that is measured.
 *
 * @param draftId A draft of the user whose token the load has.
 * @param isOpaque Whether the contender's cursors are Quire's; the others take an id.
 */
export function works(draftId: string, isOpaque: boolean): readonly Work[] {
  const reads = Array.from({ length: MANY }, readOne);
  const pages = Array.from({ length: PAGES }, (): RequestLine => {
    const id = postId(Math.max(randomPost(), 21));
    const cursor = isOpaque ? encodeCursor("posts", id as PostId) : id;
    return { method: "GET", path: `/v1/posts?limit=20&cursor=${cursor}` };
  });
  const firstPage: RequestLine = { method: "GET", path: `/v1/posts${isOpaque ? "?limit=20" : ""}` };
  const draft: RequestLine = { method: "GET", path: `/v1/posts/${draftId}`, headers: HEADERS };
  const mixed = reads.map((read, index) => (index % 10 === 9 ? write : read));
  return [
    { name: "GET by id", connections: 1, requests: reads },
    { name: "GET by id", connections: 10, requests: reads },
    { name: "GET by id", connections: 50, requests: reads },
    { name: "POST", connections: 1, requests: [write] },
    { name: "POST", connections: 50, requests: [write] },
    { name: "first page", connections: 50, requests: [firstPage] },
    { name: "random page", connections: 50, requests: pages },
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

const SCRIPT = fileURLToPath(new URL("load.lua", import.meta.url));
const RECORD_SEPARATOR = "\u001e";

interface Summary {
  readonly requests: number;
  readonly microseconds: number;
  /** In microseconds, as `p99` is. */
  readonly p50: number;
  readonly p99: number;
  readonly refused: number;
  readonly failed: number;
}

/** Throws when a request failed: then nothing was measured. */
export async function measure(url: string, { connections, requests }: Work, seconds: number): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), "quire-load-"));
  try {
    const file = join(directory, "requests");
    await writeFile(file, requests.map((request) => asSent(request, new URL(url).host)).join(RECORD_SEPARATOR));
    const options = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "30s", "--latency", "-s", SCRIPT, url];
    const { stdout } = await promisify(execFile)("wrk", options, { env: { ...process.env, BENCH_REQUESTS: file } });
    const summary = JSON.parse(stdout.slice(stdout.lastIndexOf("{"))) as Summary;
    const { refused, failed } = summary;
    if (refused > 0 || failed > 0) throw new Error(`${refused} requests were refused, ${failed} failed.`);
    const perSecond = (summary.requests / summary.microseconds) * 1e6;
    return { perSecond, p50Ms: round(summary.p50 / 1000), p99Ms: round(summary.p99 / 1000) };
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    throw new Error("There is no wrk to make the load. Install it: apt install wrk, or brew install wrk.", {
      cause: thrown,
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

function asSent({ method, path, headers = {}, body = "" }: RequestLine, host: string): string {
  const length = method === "POST" ? { "Content-Length": String(Buffer.byteLength(body)) } : {};
  const lines = Object.entries({ Host: host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}
