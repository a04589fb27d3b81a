import type { Result } from "neverthrow";

/** Runs `work`, and then `undo` if the work has failed or thrown. */
export async function undoUnlessOk<T, E>(
  work: () => Promise<Result<T, E>>,
  undo: () => Promise<void>,
): Promise<Result<T, E>> {
  let isOk = false;
  try {
    const done = await work();
    isOk = done.isOk();
    return done;
  } finally {
    if (!isOk) await undo();
  }
}
