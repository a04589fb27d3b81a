/**
 * The cost of a large table: a post by id and pages among ten thousand posts and among a million.
 *
 * `npm run bench:growth` starts a server on each and prints the median of interleaved rounds.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PostId } from "../src/domain/shared/id.ts";
import { encodeCursor } from "../src/interfaces/http/cursor.ts";
import { postListName, toListQuery } from "../src/interfaces/http/routes/posts/post-query.ts";
import { postId } from "./data-set.ts";
import { measure, type RequestLine, type Work } from "./load.ts";
import { fillQuire, quireOn } from "./quire.ts";
import { start } from "./server.ts";
import { median } from "./table.ts";

const SIZES = [10_000, 1_000_000];
const ROUNDS = 5;
const SECONDS = 2;
const PAGE = 20;
const MANY = 20_000;

const get = (path: string): RequestLine => ({ method: "GET", path });

function worksAmong(posts: number): readonly Work[] {
  const pageAfter = (pages: number) => {
    const cursor = encodeCursor(postListName("posts", toListQuery({})), {
      direction: "forward",
      key: null,
      id: postId(posts - pages * PAGE + 1) as PostId,
    });
    return get(`/v1/posts?limit=${PAGE}&cursor=${cursor}`);
  };
  const byId = Array.from({ length: MANY }, () => get(`/v1/posts/${postId(1 + Math.floor(Math.random() * posts))}`));
  return [
    { name: "GET by id", connections: 50, requests: byId },
    { name: "first page", connections: 50, requests: [get(`/v1/posts?limit=${PAGE}`)] },
    { name: "page 2", connections: 1, requests: [pageAfter(1)] },
    { name: "page 500", connections: 1, requests: [pageAfter(499)] },
    ...(posts > 1000 * PAGE ? [{ name: "page 1,001", connections: 1, requests: [pageAfter(1000)] }] : []),
  ];
}

const directory = await mkdtemp(join(tmpdir(), "quire-bench-"));
const measured = new Map<string, number[]>();
try {
  for (const posts of SIZES) await fillQuire(join(directory, String(posts)), posts);
  for (let round = 0; round < ROUNDS; round++) {
    for (const posts of SIZES) {
      const server = await start(quireOn("Quire", join(directory, String(posts)), "fsync"));
      for (const work of worksAmong(posts)) {
        await measure(server.urls, work, 1);
        const { perSecond } = await measure(server.urls, work, SECONDS);
        const row = `${posts.toLocaleString("en").padStart(9)} posts, ${work.name}`;
        measured.set(row, [...(measured.get(row) ?? []), perSecond]);
      }
      await server.stop();
    }
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

for (const [row, runs] of measured) {
  const rounds = runs.map(Math.round).toSorted((a, b) => a - b);
  process.stdout.write(
    `${row.padEnd(30)} ${Math.round(median(runs)).toLocaleString("en").padStart(7)}/s  ${rounds.join(" ")}\n`,
  );
}
