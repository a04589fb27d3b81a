import { ok } from "neverthrow";
import type { Storage } from "../src/application/ports/storage.ts";
import { readConfig } from "../src/bootstrap/config.ts";
import type { Post } from "../src/domain/post/post.ts";
import type { PostId } from "../src/domain/shared/id.ts";
import { cachePosts } from "../src/infrastructure/storage/post-cache.ts";
import { authorId, postId, postText } from "./data-set.ts";
import { READS } from "./reads.ts";

const MIB = 1_048_576;
const { cacheBytes } = readConfig({})._unsafeUnwrap();

/** A sentence with the hit ratios of Quire's post cache, in its default size, for the reads of the benchmark. */
export async function hitRatios(): Promise<string> {
  const [uniform, zipf] = [await hitRatio(READS.uniform), await hitRatio(READS.zipf)].map(percent);
  return `Hit ratio of Quire's post cache (${cacheBytes / MIB} MiB): ${uniform} for uniform reads, ${zipf} for Zipf reads.`;
}

function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

/**
 * The share of the second half of the reads that the cache answers; the first half is the warm-up. The same reads again would have
 * other hits: a cache with a rule of admission keeps a part of them, and one without evicts each before its next read.
 */
async function hitRatio(reads: readonly number[]): Promise<number> {
  let misses = 0;
  const findById = async (id: PostId) => {
    misses++;
    return ok(postOf(id));
  };
  // The cache calls no other method of the storage for these reads.
  const storage = { posts: { findById } } as unknown as Storage;
  const { posts } = cachePosts(storage, {
    maxBytes: cacheBytes,
    onDatabaseRestarted: () => {},
    onIndexWrite: () => {},
  });
  const read = async (numbers: readonly number[]) => {
    misses = 0;
    for (const number of numbers) (await posts.findById(postId(number) as PostId, null))._unsafeUnwrap();
    return 1 - misses / numbers.length;
  };
  const half = reads.length / 2;
  await read(reads.slice(0, half));
  return read(reads.slice(half));
}

function postOf(id: PostId): Post {
  const number = Number.parseInt(id.slice(id.lastIndexOf("-") + 1), 16);
  const at = new Date(0);
  const fields = { id, authorId: authorId(number), version: 1, createdAt: at, updatedAt: at, publishedAt: at };
  return { ...fields, ...postText(number), status: "published" } as unknown as Post;
}
