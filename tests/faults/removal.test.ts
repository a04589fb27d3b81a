import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../process/server.ts";
import { copyDirectory } from "../support/plain-engine.ts";
import { copyTemplate } from "../support/test-storage.ts";
import { newAuthors, newLedger, publish, type Author } from "./ledger.ts";
import { eventually } from "./watching.ts";

const POSTS = 600;
const AT_ONCE = 50;
const ADMIN = { email: "admin@example.org", password: "correct horse battery" };
const ENVIRONMENT = { QUIRE_ADMIN_EMAIL: ADMIN.email, QUIRE_ADMIN_PASSWORD: ADMIN.password };

let directory: string;
let server: RunningServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-removal-"));
  const copy = await copyTemplate();
  await copyDirectory(copy, directory);
  await rm(copy, { recursive: true });
  server = await startServer(directory, ENVIRONMENT);
});
afterEach(async () => {
  await server.end("SIGKILL");
  await rm(directory, { recursive: true });
});

async function countOf({ id }: Author): Promise<number> {
  const response = await fetch(`${server.url}/v1/posts?author=${id}&limit=1&count=true`);
  return ((await response.json()) as { total: number }).total;
}

async function write(author: Author): Promise<void> {
  const ledger = newLedger();
  for (let i = 0; i < POSTS; i += AT_ONCE) {
    const titles = Array.from({ length: AT_ONCE }, (_, index) => `${author.id} ${i + index}`);
    await Promise.all(titles.map(async (title) => publish(server.url, author, title, ledger, 2000)));
  }
  expect(ledger.acknowledged.size).toBe(POSTS);
}

async function adminToken(): Promise<string> {
  const headers = { "Content-Type": "application/json" };
  const session = await fetch(`${server.url}/v1/sessions`, { method: "POST", headers, body: JSON.stringify(ADMIN) });
  return ((await session.json()) as { token: string }).token;
}

/** Requests the deletion of a user and kills the server after the first batch. Returns the number of remaining posts. */
async function killWhileRemoving(author: Author, query: string): Promise<number> {
  const path = `/v1/users/${author.id}?${query}`;
  const headers = { Authorization: `Bearer ${await adminToken()}` };
  const asked = fetch(`${server.url}${path}`, { method: "DELETE", headers }).catch(() => null);
  let left = POSTS;
  await eventually("a batch", async () => (left = await countOf(author)) < POSTS);
  await server.end("SIGKILL");
  await asked;
  return left;
}

describe("the deletion of a user that a kill interrupts", () => {
  it.each(["posts=delete", "posts=reassign"])("resumes with %s at the next start", async (query) => {
    const [author, heir] = (await newAuthors(server.url, 2)) as [Author, Author];
    await write(author);
    const isDeleted = query === "posts=delete";
    const left = await killWhileRemoving(author, isDeleted ? query : `${query}&to=${heir.id}`);
    // A deletion needs few batches, so the last one may have run before the kill.
    if (!isDeleted) expect(left).toBeGreaterThan(0);

    server = await startServer(directory, ENVIRONMENT);
    const headers = { Authorization: `Bearer ${author.token}` };
    expect((await fetch(`${server.url}/v1/sessions`, { headers })).status).toBe(401);
    expect((await fetch(`${server.url}/v1/users/${author.id}`)).status).toBe(404);
    await eventually("the last batch", async () => (await countOf(author)) === 0);
    expect(await countOf(heir)).toBe(isDeleted ? 0 : POSTS);
    expect((await server.end("SIGTERM")).exitCode).toBe(0);
  });
});
