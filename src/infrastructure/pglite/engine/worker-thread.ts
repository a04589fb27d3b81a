import { Worker } from "node:worker_threads";
import { describeThrown } from "./describe-thrown.ts";
import type { CompiledPostgres, EngineEvent, EngineRequest, EngineStart, EngineThreadData } from "./messages.ts";
import { startWatchdog } from "./watchdog.ts";

/**
 * - `panic`: PostgreSQL logged PANIC or FATAL.
 * - `deadline`: the watchdog ended the Worker, because it did not answer in time.
 * - `swallowed`: its answer was incomplete, because PGlite swallowed an exception.
 * - `exit`: the Worker exited by itself: a trap, an exhausted heap.
 */
export type EndReason = "panic" | "deadline" | "swallowed" | "exit";

/** The reason why a Worker ended, and whether it may have begun the request. */
export interface WorkerEnd {
  readonly kind: "ended";
  readonly reason: EndReason;
  readonly detail: string;
  readonly hasBegun: boolean;
}

/** An event that answers a request or the start. */
export type WorkerAnswer<Damage> = Exclude<EngineEvent<Damage>, { readonly kind: "line" | "compiled" }>;

export interface WorkerThread<Damage> {
  /** The last lines of PostgreSQL's log. */
  readonly lastLines: readonly string[];
  send(message: EngineStart<unknown> | EngineRequest, transfer: readonly ArrayBuffer[]): void;
  /** The answer to the oldest pending request, or the reason why the Worker ended. */
  next(deadlineMs: number): Promise<WorkerAnswer<Damage> | WorkerEnd>;
  /** Ends the Worker as failed. */
  end(reason: EndReason, detail: string): void;
  kill(): Promise<void>;
  /** Settles when the Worker has exited, before the promises of `next`. */
  readonly ended: Promise<WorkerEnd>;
}

interface Waiter<Damage> {
  readonly settle: (answer: WorkerAnswer<Damage> | WorkerEnd) => void;
  readonly deadlineMs: number;
}

// PostgreSQL's own stack limit must be reached first, for example by deeply nested JSON.
const RESOURCE_LIMITS = { stackSizeMb: 64, maxOldGenerationSizeMb: 512 };
const MAX_LAST_LINES = 20;
const FATAL_LINE = /\b(?:PANIC|FATAL):/;

/**
 * Whether `terminate` ends a Worker that runs WebAssembly, and settles when the Worker has exited. In Bun it never settles,
 * and in Deno it settles at once while the thread may still write. A program on these runtimes cannot replace an engine
 * that has failed: only the end of the process ends its thread.
 */
export const CAN_END_WORKERS = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

export function startWorkerThread<Damage>(file: URL): WorkerThread<Damage> {
  const worker = startWorker(file);
  const lastLines: string[] = [];
  // The Worker answers requests in order, so the first waiter belongs to the current request.
  const waiters: Waiter<Damage>[] = [];
  let ending: WorkerEnd | null = null;
  let hasExited = false;
  let stopWatchdog: (() => void) | null = null;

  let settleEnded: (end: WorkerEnd) => void;
  // The files of a Worker are closed only when it has exited, so nothing settles before its exit event.
  const ended = new Promise<WorkerEnd>((settle) => (settleEnded = settle));

  const exit = (detail: string) => {
    ending ??= { kind: "ended", reason: "exit", detail, hasBegun: true };
    hasExited = true;
    stopWatchdog?.();
    settleEnded(ending);
    for (const [index, waiter] of waiters.splice(0).entries()) waiter.settle({ ...ending, hasBegun: index === 0 });
  };

  const end = (reason: EndReason, detail: string) => {
    ending ??= { kind: "ended", reason, detail, hasBegun: true };
    void worker.terminate();
    if (!CAN_END_WORKERS) exit(detail);
  };

  const watchFirst = () => {
    stopWatchdog?.();
    const deadlineMs = waiters[0]?.deadlineMs;
    if (deadlineMs === undefined) return;
    stopWatchdog = startWatchdog(deadlineMs, () => end("deadline", `no answer within ${deadlineMs} ms`));
  };

  worker.once("exit", (code) => exit(`the engine's thread ended with ${code}`));
  worker.once("error", (error) => end("exit", describeThrown(error)));

  worker.on("message", (event: EngineEvent<Damage>) => {
    if (event.kind === "compiled") return;
    if (event.kind === "line") {
      if (lastLines.push(event.text) > MAX_LAST_LINES) lastLines.shift();
      // After a PANIC the engine may spin forever instead of answering.
      if (FATAL_LINE.test(event.text)) end("panic", event.text);
      return;
    }
    // Replies after a PANIC are ignored. Their waiters settle when the Worker has exited. Otherwise their next request
    // would still reach the dying Worker.
    if (ending?.reason === "panic") return;
    const first = waiters.shift();
    watchFirst();
    first?.settle(event);
  });

  return {
    lastLines,
    send: (message, transfer) => worker.postMessage(message, transfer),
    next: async (deadlineMs) =>
      new Promise((settle) => {
        if (hasExited && ending !== null) settle({ ...ending, hasBegun: false });
        else if (waiters.push({ settle, deadlineMs }) === 1) watchFirst();
      }),
    end,
    kill: async () => {
      const exited = worker.terminate();
      if (CAN_END_WORKERS) await exited;
    },
    ended,
  };
}

/** The WebAssembly that a Worker of this process has compiled. */
let postgres: CompiledPostgres | null = null;

function startWorker(file: URL): Worker {
  const workerData: EngineThreadData = { postgres };
  const worker = new Worker(file, { workerData, resourceLimits: RESOURCE_LIMITS });
  worker.on("message", (event: EngineEvent<unknown>) => {
    if (event.kind === "compiled") postgres = event.postgres;
  });
  return worker;
}
