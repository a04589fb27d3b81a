import { abortSource, type AbortSignal } from "../../domain/shared/abort-signal.ts";

/** A function, because TypeScript would narrow the property `aborted` and treat it as unchanged after an `await`. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** A signal that is aborted when all of these are. `undefined` if a caller has no signal, because that caller never aborts. */
export function commonSignal(signals: readonly (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter((signal) => signal !== undefined);
  if (given.length < signals.length || given.length < 2) return given.length < signals.length ? undefined : given[0];
  const all = abortSource();
  let left = given.length;
  const note = () => {
    left--;
    if (left === 0) all.abort();
  };
  for (const signal of given) {
    if (signal.aborted) note();
    else signal.addEventListener("abort", note, { once: true });
  }
  return all.signal;
}
