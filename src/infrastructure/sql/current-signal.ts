import type { AbortSignal } from "../../domain/shared/abort-signal.ts";

// Drizzle passes no options to the client of a database. It calls the client before `execute` returns, so the signal waits
// here for that long. An AsyncLocalStorage would do the same, and slow down every promise of the process on Node 20.
let current: AbortSignal | undefined;

/** Starts a statement that is skipped once the signal is aborted, if it has not begun. */
export async function withSignal<T>(signal: AbortSignal | undefined, start: () => Promise<T>): Promise<T> {
  const outer = current;
  current = signal;
  try {
    return start();
  } finally {
    current = outer;
  }
}

/** The signal of the statement that a client is about to send. The client reads it before it awaits anything. */
export function currentSignal(): AbortSignal | undefined {
  return current;
}
