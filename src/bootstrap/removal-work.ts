import { err } from "neverthrow";
import type { Log } from "../application/ports/log.ts";
import type { UseCases } from "../application/application.ts";

/** How long the removal of a user rests that another process has begun, or that has failed. */
const RESUME_INTERVAL_MS = 30_000;

/** Works off the removals of users that were interrupted, at the start and from time to time. */
export interface RemovalWork {
  /** Ends all of it after the batch that runs, what requests wait for as well: the storage may be closed then. */
  stop(): Promise<void>;
}

export function startRemovals(useCases: Pick<UseCases, "resumeRemovals" | "stopRemovals">, log: Log): RemovalWork {
  const resume = async (): Promise<void> => {
    const resumed = await useCases.resumeRemovals().catch((error: unknown) => err({ kind: "defect", error } as const));
    if (resumed.isOk() || resumed.error.kind === "removal_interrupted") return;
    log.warn({ failure: resumed.error }, "what removed users have left stays for now");
  };

  let last = resume();
  const timer = setInterval(() => {
    last = last.then(resume);
  }, RESUME_INTERVAL_MS);

  return {
    stop: async () => {
      clearInterval(timer);
      await useCases.stopRemovals();
      await last;
    },
  };
}
