/**
 * The cost of each layer of a read: the engine's statement, the adapter, the use case and the handler.
 *
 * `npm run bench:micro` prints microseconds for each call, one at a time and 50 at a time, as the median of interleaved rounds in
 * one process.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostId } from "../src/domain/shared/id.ts";
import { DATA_SET, postId, WRITTEN } from "./data-set.ts";
import { fillQuire, openApp } from "./quire.ts";
import { median } from "./table.ts";

const ROUNDS = 6;
const CALLS = 1000;
const AT_A_TIME = [1, 50];

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
await fillQuire(directory, 10_000);
const { app, client, close, storage, useCases } = await openApp(directory);

const somePost = () => postId(1 + Math.floor(Math.random() * 10_000)) as PostId;
const draft = async () => {
  const answer = await app.request("/v1/posts", {
    method: "POST",
    headers: { Authorization: `Bearer ${DATA_SET.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ title: "A post", content: WRITTEN }),
  });
  await answer.arrayBuffer();
};
const LAYERS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ["engine: select by id", async () => client.query("select * from posts where id = $1", [somePost()])],
  ["adapter: posts.findById", async () => storage.posts.findById(somePost(), { authorId: null })],
  ["use case: getPost", async () => useCases.getPost(null, somePost())],
  ["handler: GET /v1/posts/{id}", async () => (await app.request(`/v1/posts/${somePost()}`)).arrayBuffer()],
  ["handler: GET /v1/posts", async () => (await app.request("/v1/posts")).arrayBuffer()],
  ["handler: POST /v1/posts, not flushed", draft],
];

const measured = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const atATime of AT_A_TIME) {
    for (const [layer, call] of LAYERS) {
      const startedAt = performance.now();
      for (let done = 0; done < CALLS; done += atATime) await Promise.all(Array.from({ length: atATime }, call));
      const microseconds = ((performance.now() - startedAt) / CALLS) * 1000;
      const row = `${layer.padEnd(38)} × ${String(atATime).padStart(2)}`;
      measured.set(row, [...(measured.get(row) ?? []), microseconds]);
    }
  }
}
await close();
await rm(directory, { recursive: true });

for (const [row, runs] of measured) {
  // The first round is the warm-up.
  const rounds = runs.slice(1).map((run) => Math.round(run));
  process.stdout.write(
    `${row} ${String(median(rounds)).padStart(5)} µs  ${rounds.toSorted((a, b) => a - b).join(" ")}\n`,
  );
}
