import { waitUntil } from "../../node/wait-until.ts";
import type { Supervisor } from "./supervisor.ts";

const MAX_WAIT_MS = 1_000;

/**
 * Waits for a moment at which no request has the engine, for at most a second. A request would otherwise wait for a batch of the
 * search index and then for a checkpoint.
 */
export async function waitForIdle(supervisor: Supervisor): Promise<void> {
  await waitUntil(() => supervisor.isIdle(), MAX_WAIT_MS);
}
