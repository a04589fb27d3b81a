import type { Result } from "neverthrow";
import type { Engine, Handling, RequestLost } from "../engine/engine.ts";
import type { Reply, Statement } from "../engine/wire-protocol.ts";

interface Write extends Pick<Handling, "deadlineMs"> {
  readonly statement: Statement;
  readonly settle: (reply: Result<Reply, RequestLost>) => void;
}

/** Runs a write, and answers once it is on the disk. */
export type WriteToEngine = (statement: Statement, deadlineMs: number) => Promise<Result<Reply, RequestLost>>;

/**
 * Commits the writes that come while a commit runs together, by one flush: what one commit costs is the flush, however
 * much it holds. Each write still has an outcome of its own, as if it had come alone.
 */
export function groupCommit(engine: Engine): WriteToEngine {
  let waiting: Write[] = [];
  let isCommitting = false;

  const commitAll = async () => {
    isCommitting = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commit(group);
    }
    isCommitting = false;
  };

  const commit = async (group: readonly Write[]): Promise<void> => {
    const deadlineMs = Math.max(...group.map((write) => write.deadlineMs));
    const statements = group.map(({ statement }) => statement);
    const replies = await engine.execute(statements, { acknowledges: true, deadlineMs });
    const failedAt = replies.isOk() ? replies.value.findIndex(({ error }) => error !== null) : -1;
    if (failedAt >= 0 && group.length > 1) {
      // All of them are undone. What failed comes last, alone: the others must not share its fate.
      await commit(group.toSpliced(failedAt, 1));
      return commit(group.slice(failedAt, failedAt + 1));
    }
    for (const [index, { settle }] of group.entries()) settle(replies.map((all) => all[index] as Reply));
  };

  return async (statement, deadlineMs) =>
    new Promise((settle) => {
      waiting.push({ statement, deadlineMs, settle });
      if (!isCommitting) void commitAll();
    });
}
