import { describeError } from "../infrastructure/node/describe-error.ts";
import type { CompactionCancelled } from "../infrastructure/pglite/compaction.ts";
import type { VerificationInterrupted } from "../infrastructure/pglite/verification/verify.ts";
import type { DamageFound } from "../interfaces/cli/verify.ts";
import { EXIT } from "./exit-codes.ts";
import type { ExplanationsOf } from "./explanation.ts";

/** The database is on a PostgreSQL server, which has its own tools. */
export interface DoneByServerTools {
  readonly kind: "done_by_server_tools";
  readonly task: "verification" | "compaction";
  readonly location: string;
}

const SERVER_TOOLS = {
  verification: 'pg_amcheck --heapallindexed --install-missing "$DATABASE_URL"',
  compaction: 'vacuumdb --full --analyze "$DATABASE_URL"',
};

/** The operator has stopped it. The posts that were indexed are stored, and the others keep their old terms. */
export interface ReindexCancelled {
  readonly kind: "reindex_cancelled";
  readonly posts: number;
}

/** The exit codes and texts of `quire verify`, `quire compact` and `quire reindex`. */
export const MAINTENANCE_EXPLANATIONS: ExplanationsOf<
  VerificationInterrupted | CompactionCancelled | ReindexCancelled | DoneByServerTools | DamageFound
> = {
  verification_interrupted: ({ directory, isCancelled, cause }) =>
    isCancelled
      ? [EXIT.interrupted, "Cancelled. Nothing was verified, and nothing was changed."]
      : [EXIT.io, `The verification of ${directory} failed: ${describeError(cause)}. Nothing was changed.`],
  compaction_cancelled: ({ done, total }) => [
    EXIT.interrupted,
    `Cancelled after ${done} of ${total} tables. Nothing is lost; run it again to continue.`,
  ],
  reindex_cancelled: ({ posts }) => [
    EXIT.interrupted,
    `Cancelled after ${posts.toLocaleString("en")} posts. The others are found as before; run it again to index all posts.`,
  ],
  done_by_server_tools: ({ task, location }) => [
    EXIT.usage,
    `The database is on a PostgreSQL server (${location}), which has its own tool for a ${task}. Use:\n  ${SERVER_TOOLS[task]}`,
  ],
  damage_found: ({ directory, checks }) => [
    EXIT.dataError,
    `The data directory ${directory} is damaged: ${checks.join(", ")}. The report above names each fault and what to do. Nothing was changed.`,
  ],
};
