import { constants } from "node:os";
import { checkDescriptors } from "../infrastructure/node/file-descriptors.ts";
import { runtimeOf } from "../infrastructure/node/runtime.ts";
import { EXIT } from "./exit-codes.ts";
import { explain, type ProcessFailure } from "./process-failure.ts";
import { runtimeProblem } from "./runtime-version.ts";

const HANDLED = ["SIGTERM", "SIGINT"] as const;
/** A second signal within this time is the same request: a terminal signals every process, and npm forwards its own signal. */
const SAME_REQUEST_MS = 100;

/** Ends the process with the text and the exit code of a failure. */
export function exitWith(failure: ProcessFailure): never {
  const { message, exitCode } = explain(failure);
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}

/** Ends the process if its runtime is too old. Call it before loading modules that such a runtime cannot load. */
export function requireSupportedRuntime(): void {
  const problem = runtimeProblem(runtimeOf(process.versions));
  if (problem === null) return;
  process.stderr.write(`${problem}\n`);
  process.exit(EXIT.software);
}

/** Makes an uncaught exception end the process with a sentence instead of a stack trace. */
export function exitOnCrash(): void {
  // Read now: without a free descriptor the limit cannot be read.
  const descriptors = checkDescriptors();
  process.on("uncaughtException", (cause) => {
    // With too few file descriptors Node cannot read the files of the program, and reports them as missing.
    const isMissingFile = "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND";
    exitWith(isMissingFile && descriptors.isErr() ? descriptors.error : { kind: "program_failed", cause });
  });
}

export interface StopSignals {
  /** Waits for the first signal. A later one ends the process immediately. */
  first(): Promise<NodeJS.Signals>;
  /** Gives the signals their default action again. */
  release(): void;
}

/**
 * Handles SIGTERM and SIGINT. Until {@link StopSignals.first} is called a signal ends the process immediately: the first
 * process of a container has no default action for signals.
 */
export function handleStopSignals(): StopSignals {
  let onFirst: ((signal: NodeJS.Signals) => void) | null = null;
  let stoppingSinceMs: number | null = null;
  const handle = (signal: NodeJS.Signals): void => {
    if (stoppingSinceMs !== null) {
      if (performance.now() - stoppingSinceMs > SAME_REQUEST_MS) exitBySignal(signal);
    } else if (onFirst === null) exitBySignal(signal);
    else {
      stoppingSinceMs = performance.now();
      onFirst(signal);
    }
  };
  for (const signal of HANDLED) process.on(signal, handle);
  return {
    first: async () =>
      new Promise((settle) => {
        onFirst = settle;
      }),
    release: () => {
      for (const signal of HANDLED) process.off(signal, handle);
    },
  };
}

/** Ends the process as the signal would by default: a shell shows 128 plus the number of the signal. No write is lost. */
function exitBySignal(signal: NodeJS.Signals): never {
  process.exit(128 + constants.signals[signal]);
}
