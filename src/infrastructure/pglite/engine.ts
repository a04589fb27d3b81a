import { Worker } from "node:worker_threads";
import { err, ok, type Result } from "neverthrow";
import type { Damage } from "./damage.ts";
import type { EngineEvent, EngineRequest, EngineWorkerData } from "./engine-messages.ts";
import type { Lsn } from "./lsn.ts";
import { decodeReply, type Reply } from "./wire-protocol.ts";

/**
 * The engine ended when it should not have, and its Worker is gone.
 *
 * - `panic`: PostgreSQL said PANIC or FATAL.
 * - `deadline`: it did not answer in time.
 * - `swallowed`: its answer lacks its end, as an exception inside it was swallowed.
 * - `exit`: the Worker ended by itself: a trap, an exhausted heap.
 */
export interface EngineFailed {
  readonly kind: "engine_failed";
  readonly reason: "panic" | "deadline" | "swallowed" | "exit";
  readonly detail: string;
  /** The last lines of PostgreSQL's own log. */
  readonly lastWords: readonly string[];
}

/** The engine does not open the cluster. */
export interface EngineNotOpened {
  readonly kind: "engine_not_opened";
  readonly detail: string;
  readonly lastWords: readonly string[];
}

/** The cluster's files are damaged, as a look at them before the engine opened them shows. */
export interface ClusterDamaged {
  readonly kind: "cluster_damaged";
  readonly damage: Damage;
}

export type OpenEngineError = EngineNotOpened | ClusterDamaged;

/** PostgreSQL in a Worker of its own. It takes one request at a time. */
export interface Engine {
  /** Whether the engine had to replay its write-ahead log, as it was not shut down before. */
  readonly recovered: boolean;
  /** Where the write-ahead log ended at the last write or checkpoint. */
  position(): Lsn;
  /** Sends one statement. */
  execute(message: Uint8Array<ArrayBuffer>, how: Execution): Promise<Result<Reply, EngineFailed>>;
  /** Writes everything to its place, and records what the files then are. */
  checkpoint(): Promise<Result<Reply, EngineFailed>>;
  /** Shuts PostgreSQL down. `isShutDown`: the next open needs no recovery. */
  close(): Promise<Result<{ readonly isShutDown: boolean }, EngineFailed>>;
  /** Ends the Worker at once, as a crash would. */
  kill(): Promise<void>;
}

export interface Execution {
  /** Whether somebody will be told that what it wrote is kept. */
  readonly acknowledges: boolean;
  /** How long it may take before the engine counts as hanging. */
  readonly deadlineMs: number;
}

export interface EngineOptions extends Omit<EngineWorkerData, "task"> {
  /** Called when the engine has failed and its Worker is gone, before anybody who waits hears of it. */
  readonly onFailed: (failure: EngineFailed) => void;
}

// A thread is loaded by Node itself, so it is always the built file; `src` and `dist` lie side by side.
const WORKER_FILE = new URL("../../../dist/infrastructure/pglite/engine-worker.js", import.meta.url);
// A stack that deep JSON does not exhaust, where PostgreSQL's own limit is reached first.
const RESOURCE_LIMITS = { stackSizeMb: 64, maxOldGenerationSizeMb: 512 };
const LAST_WORDS = 20;
/** How long it may take to open, recover, checkpoint, vacuum or migrate: seconds at most, where the disk is not slow. */
export const UPKEEP_DEADLINE_MS = 600_000;
const FATAL_LINE = /\b(?:PANIC|FATAL):/;

/** Makes a new cluster in an empty directory. */
export async function initialiseEngine(data: Omit<EngineWorkerData, "task">): Promise<Result<void, EngineNotOpened>> {
  const thread = startThread({ ...data, task: "initialise" });
  const event = await thread.next(UPKEEP_DEADLINE_MS);
  await thread.kill();
  return event.kind === "initialised" ? ok() : err(notOpened(event, thread.lastWords));
}

/** Opens the cluster of a data directory. Fails with `cluster_damaged` or `engine_not_opened`. */
export async function openEngine(options: EngineOptions): Promise<Result<Engine, OpenEngineError>> {
  const { onFailed, ...data } = options;
  const thread = startThread({ ...data, task: "serve" });
  const event = await thread.next(UPKEEP_DEADLINE_MS);
  if (event.kind === "opened") return ok(engineOn(thread, event, onFailed));
  await thread.kill();
  if (event.kind === "refused") return err({ kind: "cluster_damaged", damage: event.damage });
  return err(notOpened(event, thread.lastWords));
}

type Event = Exclude<EngineEvent, { readonly kind: "line" }>;

type Ending = { readonly kind: "ended"; readonly reason: EngineFailed["reason"]; readonly detail: string };

interface Thread {
  readonly lastWords: readonly string[];
  send(request: EngineRequest, transfer: readonly ArrayBuffer[]): void;
  /** The next event that is not a line of the log, or how the Worker ended. */
  next(deadlineMs: number): Promise<Event | Ending>;
  /** Ends the Worker because of what is said, once it is gone. */
  end(reason: EngineFailed["reason"], detail: string): void;
  kill(): Promise<void>;
  readonly ended: Promise<Ending>;
  /** Called once the Worker is gone, before `next` and `ended` settle. */
  onEnded: (ending: Ending) => void;
}

function startThread(data: EngineWorkerData): Thread {
  const worker = new Worker(WORKER_FILE, { workerData: data, resourceLimits: RESOURCE_LIMITS });
  const lastWords: string[] = [];
  let ending: Ending | null = null;
  let isGone = false;
  let waiting: ((event: Event | Ending) => void) | null = null;

  const thread: Pick<Thread, "onEnded"> = { onEnded: () => {} };
  const end = (reason: EngineFailed["reason"], detail: string) => {
    ending ??= { kind: "ended", reason, detail };
    void worker.terminate();
  };
  // Only a Worker that is gone has let go of its files, so nobody hears of its end before.
  const ended = new Promise<Ending>((settle) => {
    worker.once("exit", (code) => {
      ending ??= { kind: "ended", reason: "exit", detail: `the engine's thread ended with ${code}` };
      isGone = true;
      thread.onEnded(ending);
      settle(ending);
      waiting?.(ending);
    });
  });
  worker.once("error", (error) => end("exit", error instanceof Error ? error.message : String(error)));
  worker.on("message", (event: EngineEvent) => {
    if (event.kind !== "line") {
      if (ending === null) waiting?.(event);
      return;
    }
    lastWords.push(event.text);
    if (lastWords.length > LAST_WORDS) lastWords.shift();
    // After a PANIC the engine may spin for ever instead of answering.
    if (FATAL_LINE.test(event.text)) end("panic", event.text);
  });

  return Object.assign(thread, {
    lastWords,
    send: (request: EngineRequest, transfer: readonly ArrayBuffer[]) => worker.postMessage(request, transfer),
    next: async (deadlineMs: number) =>
      new Promise<Event | Ending>((settle) => {
        // Nothing will come from a Worker that ended while nobody waited for it.
        if (isGone && ending !== null) return settle(ending);
        const timer = setTimeout(() => end("deadline", `no answer within ${deadlineMs} ms`), deadlineMs);
        waiting = (event) => {
          clearTimeout(timer);
          waiting = null;
          settle(event);
        };
      }),
    end,
    kill: async () => void (await worker.terminate()),
    ended,
  });
}

function engineOn(
  thread: Thread,
  opened: { readonly recovered: boolean; readonly position: Lsn },
  onFailed: EngineOptions["onFailed"],
): Engine {
  let position = opened.position;
  let isEnding = false;

  const failure = ({ reason, detail }: Ending): EngineFailed => ({
    kind: "engine_failed",
    reason,
    detail,
    lastWords: [...thread.lastWords],
  });

  thread.onEnded = (ending) => {
    if (!isEnding) onFailed(failure(ending));
  };

  const request = async (sent: EngineRequest, deadlineMs: number, transfer: readonly ArrayBuffer[] = []) => {
    const event = thread.next(deadlineMs);
    thread.send(sent, transfer);
    return event;
  };

  const reply = async (
    sent: EngineRequest,
    deadlineMs: number,
    transfer?: readonly ArrayBuffer[],
  ): Promise<Result<Reply, EngineFailed>> => {
    const event = await request(sent, deadlineMs, transfer);
    if (event.kind === "ended") return err(failure(event));
    const decoded = event.kind === "reply" ? decodeReply(event.bytes) : null;
    if (decoded === null || isFatal(decoded)) {
      thread.end("swallowed", decoded?.error?.message ?? "the engine's answer is not whole");
      return err(failure(await thread.ended));
    }
    if (event.kind === "reply" && event.position !== null) position = event.position;
    return ok(decoded);
  };

  return {
    recovered: opened.recovered,
    position: () => position,
    execute: async (message, { acknowledges, deadlineMs }) =>
      reply({ kind: "message", bytes: message, acknowledges }, deadlineMs, [message.buffer]),
    checkpoint: async () => reply({ kind: "checkpoint" }, UPKEEP_DEADLINE_MS),
    close: async () => {
      isEnding = true;
      const event = await request({ kind: "close" }, UPKEEP_DEADLINE_MS);
      if (event.kind === "ended") return err(failure(event));
      await thread.kill();
      return ok({ isShutDown: event.kind === "closed" && event.isShutDown });
    },
    kill: async () => {
      isEnding = true;
      await thread.kill();
    },
  };
}

function isFatal({ error }: Reply): boolean {
  return error?.severity === "FATAL" || error?.severity === "PANIC";
}

function notOpened(event: Event | Ending, lastWords: readonly string[]): EngineNotOpened {
  const detail = event.kind === "failed" ? event.reason : event.kind === "ended" ? event.detail : event.kind;
  return { kind: "engine_not_opened", detail, lastWords: [...lastWords] };
}
