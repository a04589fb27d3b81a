/** The reads that a cache has answered, and those that it had to load. */
export interface CacheCount {
  hits: number;
  misses: number;
}

export interface CacheCounts {
  readonly posts: CacheCount;
  /** Pages of lists. */
  readonly pages: CacheCount;
  /** Pages of searches. */
  readonly searches: CacheCount;
  readonly sessions: CacheCount;
  readonly users: CacheCount;
}

export function newCacheCounts(): CacheCounts {
  return { posts: newCount(), pages: newCount(), searches: newCount(), sessions: newCount(), users: newCount() };
}

function newCount(): CacheCount {
  return { hits: 0, misses: 0 };
}

export function noteRead(count: CacheCount, isHit: boolean): void {
  if (isHit) count.hits++;
  else count.misses++;
}
