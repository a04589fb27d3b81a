import { setTimeout as delay } from "node:timers/promises";
import { Client } from "./client.ts";

/**
 * The client that must not notice the attacks. It sends ten requests a second from its own address and prints one line of JSON
 * for each.
 */
export interface Sample {
  readonly ms: number;
  readonly status: number | null;
}

const INTERVAL_MS = 100;

const [url = ""] = process.argv.slice(2);
const client = new Client(url, "127.0.0.1", 8);
const { token } = await client.account("reader");
const body = { title: "Hello", content: "First words.", status: "published" };
const created = await client.call("POST", "/v1/posts", { token, body });
const { id } = JSON.parse(created.text) as { id: string };

for (let count = 0; ; count++) {
  void measure(count);
  await delay(INTERVAL_MS);
}

async function measure(count: number): Promise<void> {
  const startedAt = performance.now();
  const status = await ask(count);
  const sample: Sample = { ms: Math.round(performance.now() - startedAt), status };
  process.stdout.write(`${JSON.stringify(sample)}\n`);
}

/** Of ten requests, seven read a post, two read a page, and one writes. */
async function ask(count: number): Promise<number | null> {
  const turn = count % 10;
  if (turn === 0) return (await client.call("POST", "/v1/posts", { token, body })).status;
  return (await client.call("GET", turn < 3 ? "/v1/posts?limit=20" : `/v1/posts/${id}`)).status;
}
