import { existsSync, readdirSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { handleStopSignals } from "./process-end.ts";

/** The threads of this process (Linux, proc_pid_task(5)). */
const THREADS = "/proc/self/task";

/**
 * Lets the server have the processors first. On Linux each thread has a priority of its own (setpriority(2)): V8 compiles
 * PostgreSQL in threads that run already, and zlib compresses in others. Threads that start later have that of the thread that
 * starts them.
 */
export function lowerPriority(): void {
  for (const id of [process.pid, ...threadIds()]) {
    try {
      setPriority(id, constants.priority.PRIORITY_LOW);
    } catch {
      // The thread has ended, or the operating system has no priorities or refuses to change them.
    }
  }
}

function threadIds(): readonly number[] {
  return existsSync(THREADS) ? readdirSync(THREADS).map(Number) : [];
}

export interface StopSignal {
  /** Aborted at the first SIGINT or SIGTERM, so that nothing half remains. A second one ends the process immediately. */
  readonly signal: AbortSignal;
  /** Gives the signals their default action again. */
  release(): void;
}

/** Handles the signals during the work of a command. */
export function stopSignal(): StopSignal {
  const controller = new AbortController();
  const signals = handleStopSignals();
  void signals.first().then(() => controller.abort());
  return { signal: controller.signal, release: () => signals.release() };
}
