import { constants, setPriority } from "node:os";
import { handleStopSignals } from "./process-end.ts";

/** Lets the server have the processors first. The threads that this process starts later have the same priority. */
export function lowerPriority(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // The operating system has no priorities, or refuses to change them.
  }
}

/** Aborts at the first SIGINT or SIGTERM, so that nothing half remains. A second one ends the process immediately. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  void handleStopSignals()
    .first()
    .then(() => controller.abort());
  return controller.signal;
}
