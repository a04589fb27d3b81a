import type { Result } from "neverthrow";
import { moveProgress } from "./move-progress.ts";
import type { Terminal } from "./terminal.ts";

/** The progress of the rebuild of the search index, in posts. */
export interface ReindexProgress {
  readonly compared: number;
  readonly total: number;
}

export interface ReindexDependencies<Failure> {
  readonly terminal: Terminal;
  /** Indexes every post of the configured database again. Returns their number. */
  readonly rebuildSearchIndex: (
    onProgress: (progress: ReindexProgress) => void,
  ) => Promise<Result<{ readonly posts: number; readonly location: string }, Failure>>;
}

/** Rebuilds the search index, and shows the progress. */
export async function reindex<Failure>(
  { terminal, rebuildSearchIndex }: ReindexDependencies<Failure>,
  { json }: { readonly json: boolean },
): Promise<Result<void, Failure>> {
  const progress = moveProgress(terminal.progress);
  const rebuilt = await rebuildSearchIndex(({ compared, total }) => {
    progress.show({ table: "posts", moved: compared, total });
  });
  progress.end();
  return rebuilt.map(({ posts, location }) => {
    const text = `Indexed ${posts.toLocaleString("en")} posts for the search in ${location}.`;
    terminal.print(json ? JSON.stringify({ posts, location }) : text);
  });
}
