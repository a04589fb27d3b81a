import { describeError } from "../infrastructure/node/describe-error.ts";
import type { VerificationInterrupted } from "../infrastructure/pglite/verification/verify.ts";
import type { DamageFound } from "../interfaces/cli/verify.ts";
import { EXIT } from "./exit-codes.ts";
import type { ExplanationsOf } from "./explanation.ts";
import type { VerifiedByServerTools } from "./verify-database.ts";

/** The exit codes and texts of `quire verify`. */
export const VERIFY_EXPLANATIONS: ExplanationsOf<VerificationInterrupted | VerifiedByServerTools | DamageFound> = {
  verification_interrupted: ({ directory, isCancelled, cause }) =>
    isCancelled
      ? [EXIT.interrupted, "Cancelled. Nothing was verified, and nothing was changed."]
      : [EXIT.io, `The verification of ${directory} failed: ${describeError(cause)}. Nothing was changed.`],
  verified_by_server_tools: ({ location }) => [
    EXIT.usage,
    `The database is on a PostgreSQL server (${location}), which has its own tool for verification. Use:\n  pg_amcheck --heapallindexed --install-missing "$DATABASE_URL"`,
  ],
  damage_found: ({ directory, checks }) => [
    EXIT.dataError,
    `The data directory ${directory} is damaged: ${checks.join(", ")}. The report above names each fault and what to do. Nothing was changed.`,
  ],
};
