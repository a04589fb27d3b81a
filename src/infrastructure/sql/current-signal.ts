import { AsyncLocalStorage } from "node:async_hooks";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";

// Drizzle passes no options to the client of a database, so the signal is passed in an AsyncLocalStorage.
const signals = new AsyncLocalStorage<AbortSignal | undefined>();

/** Runs statements with a signal. Once it is aborted, a statement that has not begun is skipped. */
export async function withSignal<T>(signal: AbortSignal | undefined, run: () => Promise<T>): Promise<T> {
  return signal === undefined ? run() : signals.run(signal, run);
}

/** The signal of the statement that a client is about to send. */
export function currentSignal(): AbortSignal | undefined {
  return signals.getStore();
}
