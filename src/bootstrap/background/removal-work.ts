import { err } from "neverthrow";
import type { UseCases } from "../../application/application.ts";
import type { Log } from "../../application/ports/log.ts";
import { startPeriodicWork, type PeriodicWork } from "./periodic-work.ts";

/** After this time another process's removal of a user counts as interrupted, and a failed one is tried again. */
const RESUME_INTERVAL_MS = 30_000;

/** Completes interrupted removals of users, at the start and at an interval. Its stop ends removals that requests began, too. */
export function startRemovals(useCases: Pick<UseCases, "resumeRemovals" | "stopRemovals">, log: Log): PeriodicWork {
  const removals = startPeriodicWork({
    intervalMs: RESUME_INTERVAL_MS,
    run: async () => resumeRemovals(useCases, log),
  });
  return {
    stop: async () => {
      await Promise.all([useCases.stopRemovals(), removals.stop()]);
    },
  };
}

/** Completes interrupted removals of users once. */
export async function resumeRemovals(useCases: Pick<UseCases, "resumeRemovals">, log: Log): Promise<void> {
  const resumed = await useCases.resumeRemovals().catch((error: unknown) => err({ kind: "defect", error } as const));
  if (resumed.isOk() || resumed.error.kind === "removal_interrupted") return;
  log.warn({ failure: resumed.error }, "posts and sessions of removed users were not deleted yet");
}
