import type { Log } from "../../application/ports/log.ts";
import type { PostId } from "../../domain/shared/id.ts";
import type { SearchIndex } from "../../infrastructure/drizzle/search/search-index.ts";
import type { PostChanges } from "../../infrastructure/storage/post-changes.ts";

/** Another transaction may be writing a post. The next scheduled run finds the posts that are still locked then. */
const MAX_ATTEMPTS = 5;
const LOCKED_DELAY_MS = 50;

/** The posts that a request has changed, to be indexed for the search after its answer. */
export interface ChangedPosts extends PostChanges {
  /** Indexes them. A bulk change is left to the next scheduled run. */
  indexIn(index: SearchIndex, log: Log): Promise<void>;
}

export function changedPosts(): ChangedPosts {
  const changed = new Set<PostId>();
  return {
    onChanged: (id) => changed.add(id),
    onManyChanged: () => {},
    indexIn: async (index, log) => {
      let left: readonly PostId[] = [...changed];
      for (let attempt = 1; left.length > 0 && attempt <= MAX_ATTEMPTS; attempt++) {
        if (attempt > 1) await new Promise((resolve) => setTimeout(resolve, LOCKED_DELAY_MS));
        const batch = await index.index(left);
        if (batch.isErr()) return log.warn({ failure: batch.error }, "posts were not indexed for the search yet");
        left = batch.value.left;
      }
    },
  };
}
