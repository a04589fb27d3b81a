import { ok, type Result } from "neverthrow";
import type { Engine, Handling, RequestLost } from "../engine/engine.ts";
import type { Reply, Statement } from "../engine/wire-protocol.ts";

interface Write extends Pick<Handling, "deadlineMs"> {
  readonly statement: Statement;
  readonly settle: (reply: Result<Reply, RequestLost>) => void;
}

/** Runs a write, and resolves when it is on the disk. */
export type WriteToEngine = (statement: Statement, deadlineMs: number) => Promise<Result<Reply, RequestLost>>;

/** The commits since the start, of all engines. */
export interface CommitStatistics {
  groups: number;
  statements: number;
  ms: number;
}

/** The replies to a group in one transaction, and the failed statement, which rolled back the whole group. */
interface Outcome {
  readonly replies: readonly Reply[];
  readonly failed: { readonly index: number; readonly reply: Reply } | null;
}

/**
 * Group commit: the writes that arrive during a commit are committed together next, with one flush. A commit costs one
 * flush, however many writes it holds. Each write has its own outcome, as if it had run alone after the earlier writes.
 *
 * A failed write rolls its group back. The group is split there: the writes before it are committed without it, and it
 * gets its error. The writes after it had not begun, so they are the next group. So no statement runs more than twice,
 * and n writes of which f fail take at most 2f + 1 transactions.
 */
export function groupCommit(engine: Engine, statistics: CommitStatistics): WriteToEngine {
  let waiting: Write[] = [];
  let isCommitting = false;

  const run = async (group: readonly Write[]): Promise<Result<Outcome, RequestLost>> => {
    const deadlineMs = Math.max(...group.map((write) => write.deadlineMs));
    const statements = group.map(({ statement }) => statement);
    const startedAt = performance.now();
    const executed = await engine.execute(statements, { acknowledges: true, deadlineMs });
    statistics.groups++;
    statistics.statements += group.length;
    statistics.ms += performance.now() - startedAt;
    return executed.map((replies) => {
      const index = replies.findIndex(({ error }) => error !== null);
      const reply = replies[index];
      return { replies, failed: reply === undefined ? null : { index, reply } };
    });
  };

  /** Commits writes that succeeded before their group was rolled back. An error now applies to all of them. */
  const repeat = async (group: readonly Write[]): Promise<void> => {
    if (group.length === 0) return;
    const outcome = await run(group);
    for (const [index, { settle }] of group.entries()) {
      settle(outcome.map(({ replies, failed }) => failed?.reply ?? replyAt(replies, index)));
    }
  };

  const commit = async (group: readonly Write[]): Promise<void> => {
    for (let rest = group; rest.length > 0;) {
      const outcome = await run(rest);
      const failed = outcome.isOk() ? outcome.value.failed : null;
      if (failed === null) {
        for (const [index, { settle }] of rest.entries()) settle(outcome.map(({ replies }) => replyAt(replies, index)));
        return;
      }
      const culprit = rest[failed.index];
      if (culprit === undefined) {
        // The commit itself failed after all statements had succeeded, so any of them may be the reason.
        for (const write of rest) await repeat([write]);
        return;
      }
      await repeat(rest.slice(0, failed.index));
      culprit.settle(ok(failed.reply));
      rest = rest.slice(failed.index + 1);
    }
  };

  const commitAll = async () => {
    isCommitting = true;
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await commit(group);
    }
    isCommitting = false;
  };

  return async (statement, deadlineMs) =>
    new Promise((settle) => {
      waiting.push({ statement, deadlineMs, settle });
      if (!isCommitting) void commitAll();
    });
}

function replyAt(replies: readonly Reply[], index: number): Reply {
  const reply = replies[index];
  if (reply === undefined) throw new Error("The engine gave fewer replies than statements, and no error.");
  return reply;
}
