import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Api } from "./api.ts";
import { READS } from "./reads.ts";
import { HAS_SEARCH, SEARCHES } from "./searches.ts";

export interface RequestLine {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * The requests of a measurement, in order and repeated. Measurements with the same array continue where the previous one ended,
 * so that none reads the posts that its warm-up has cached.
 */
export interface Work {
  readonly name: string;
  readonly connections: number;
  readonly requests: readonly RequestLine[];
}

export interface Measured {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

export const MAX_CONNECTIONS = 50;
const PAGES = 2000;
/** The number of posts before the post of a cursor that fill a page. */
const PAGE = 20;

const get = (path: string): RequestLine => ({ method: "GET", path });

function write(api: Api, status: "published" | "draft"): RequestLine & { readonly body: string } {
  const { path, body } = api.create(status);
  const headers = { Authorization: `Bearer ${api.token}`, "Content-Type": "application/json" };
  return { method: "POST", path, headers, body: JSON.stringify(body) };
}

/**
 * All measurements of a contender.
 *
 * @param draft The path of a draft. The token of the requests belongs to its author.
 */
export function works(api: Api, draft: string): readonly Work[] {
  const uniform = READS.uniform.map((number) => get(api.post(number)));
  const zipf = READS.zipf.map((number) => get(api.post(number)));
  const pages = READS.uniform.slice(0, PAGES).map((number) => get(api.pageBefore(Math.max(number, PAGE + 1))));
  const post = write(api, "published");
  const own: RequestLine = { ...get(draft), headers: { Authorization: `Bearer ${api.token}` } };
  const mixed = zipf.map((read, index) => (index % 10 === 9 ? post : read));
  return [
    { name: "GET by id, uniform", connections: 1, requests: uniform },
    { name: "GET by id, uniform", connections: 10, requests: uniform },
    { name: "GET by id, uniform", connections: 50, requests: uniform },
    { name: "GET by id, Zipf", connections: 1, requests: zipf },
    { name: "GET by id, Zipf", connections: 50, requests: zipf },
    // Before the writes: every contender merges new posts into its search index later, at its own time.
    ...searches(api),
    { name: "POST", connections: 1, requests: [post] },
    { name: "POST", connections: 50, requests: [post] },
    { name: "first page", connections: 50, requests: [get(api.firstPage)] },
    { name: "first page with authors", connections: 50, requests: [get(api.firstPageWithAuthors)] },
    { name: "random page", connections: 50, requests: pages },
    { name: "mixed 90/10", connections: 50, requests: mixed },
    { name: "own draft", connections: 50, requests: [own] },
  ];
}

/** Fewer connections than in other measurements, because a search is slow. */
function searches({ search }: Api): readonly Work[] {
  if (search === undefined || !HAS_SEARCH) return [];
  return Object.entries(SEARCHES).flatMap(([name, queries]) => {
    const requests = queries.map((query) => get(search(encodeURIComponent(query))));
    return [1, 10].map((connections) => ({ name, connections, requests }));
  });
}

/** Creates a draft with the token of the requests, and returns its path. */
export async function createDraft(api: Api, url: string): Promise<string> {
  const { path, ...request } = write(api, "draft");
  const response = await fetch(`${url}${path}`, request);
  if (response.status !== 201) throw new Error(`POST of a draft answered ${response.status}.`);
  return api.draft(await response.json());
}

/** The bound of a measurement that a promise ends. */
const MAX_SECONDS = 3600;
const SCRIPT = fileURLToPath(new URL("load.lua", import.meta.url));
const RECORD_SEPARATOR = "\u001e";
/** In a header, the load generator replaces it by a number that is unique in the measurement. */
export const UNIQUE = "\u001f";

interface Summary {
  readonly requests: number;
  readonly microseconds: number;
  /** In microseconds, as `p99` and `slowest` are. */
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
  readonly refused: number;
  readonly failed: number;
}

/**
 * Loads all processes of a contender at the same time, each with its part of the connections. Throws if a request failed,
 * because the measurement is then void.
 */
export async function measure(urls: readonly string[], work: Work, seconds: number): Promise<Measured> {
  const parts = await Promise.all(
    urls.map(async (url, index) => {
      const connections = Math.floor((work.connections + index) / urls.length);
      return send(url, { ...work, connections }, { seconds });
    }),
  );
  return {
    requests: parts.reduce((sum, { requests }) => sum + requests, 0),
    perSecond: parts.reduce((sum, { perSecond }) => sum + perSecond, 0),
    // Percentiles cannot be added: the slowest process counts.
    p50Ms: Math.max(...parts.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...parts.map(({ p99Ms }) => p99Ms)),
    slowestMs: Math.max(...parts.map(({ slowestMs }) => slowestMs)),
  };
}

/** Sends requests until a promise is settled. Each connection pauses between a response and the next request. */
export async function measureUntil(
  ended: Promise<unknown>,
  url: string,
  work: Work,
  pauseMs: number,
): Promise<Measured> {
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  void ended.then(stop, stop);
  return send(url, work, { seconds: MAX_SECONDS, pauseMs, signal: stopping.signal });
}

interface Sending {
  readonly seconds: number;
  readonly pauseMs?: number;
  /** Ends the measurement before its time. */
  readonly signal?: AbortSignal;
}

/** The number of requests of each array that have been sent. */
const sent = new WeakMap<Work["requests"], number>();

async function send(url: string, { name, connections, requests }: Work, sending: Sending): Promise<Measured> {
  const directory = await mkdtemp(join(tmpdir(), "quire-load-"));
  try {
    const file = join(directory, "requests");
    await writeFile(file, requests.map((request) => asSent(request, new URL(url).host)).join(RECORD_SEPARATOR));
    const first = sent.get(requests) ?? 0;
    const summary = await runGenerator(url, connections, sending, {
      BENCH_REQUESTS: file,
      BENCH_FIRST: String(first % requests.length),
    });
    const { requests: answered, refused, failed } = summary;
    if (refused > 0 || failed > 0) throw new Error(`${name}: ${refused} requests were refused, ${failed} failed.`);
    sent.set(requests, first + answered);
    const perSecond = (answered / summary.microseconds) * 1e6;
    const [p50Ms, p99Ms, slowestMs] = [toMs(summary.p50), toMs(summary.p99), toMs(summary.slowest)];
    return { requests: answered, perSecond, p50Ms, p99Ms, slowestMs };
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function runGenerator(
  url: string,
  connections: number,
  { seconds, pauseMs = 0, signal }: Sending,
  variables: Readonly<Record<string, string>>,
): Promise<Summary> {
  const options = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "30s", "--latency", "-s", SCRIPT, url];
  const env = { ...process.env, ...variables, BENCH_PAUSE_MS: String(pauseMs) };
  try {
    const running = promisify(execFile)("wrk", options, { env });
    // It prints its results when it is interrupted.
    signal?.addEventListener("abort", () => running.child.kill("SIGINT"));
    const { stdout } = await running;
    return JSON.parse(stdout.slice(stdout.lastIndexOf("{"))) as Summary;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
    throw new Error("wrk is missing. Install it: apt install wrk, or brew install wrk.", {
      cause: thrown,
    });
  }
}

function asSent({ method, path, headers = {}, body = "" }: RequestLine, host: string): string {
  const length = method === "POST" ? { "Content-Length": String(Buffer.byteLength(body)) } : {};
  const lines = Object.entries({ Host: host, ...headers, ...length }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

function toMs(microseconds: number): number {
  return Math.round(microseconds / 10) / 100;
}
