import { Worker } from "node:worker_threads";
import { err, ok, Result } from "neverthrow";
import { describeError } from "../../node/describe-error.ts";
import type { Damage } from "../integrity/damage.ts";
import type { EngineEvent, EngineRequest, EngineWorkerData } from "./messages.ts";
import type { Lsn } from "../../sql/lsn.ts";
import {
  decodeAnswer,
  encodeExecutions,
  encodePreparation,
  type Answer,
  type DatabaseError,
  type Execution,
  type Field,
  type Reply,
  type Statement,
} from "./wire-protocol.ts";

/**
 * The engine ended when it should not have, and its Worker is gone.
 *
 * - `panic`: PostgreSQL said PANIC or FATAL.
 * - `deadline`: it did not answer in time.
 * - `swallowed`: its answer lacks its end, as an exception inside it was swallowed.
 * - `exit`: the Worker ended by itself: a trap, an exhausted heap.
 * - `out_of_step`: it was ended, as its writes failed for files that were as they should be.
 */
export interface EngineFailed {
  readonly kind: "engine_failed";
  readonly reason: "panic" | "deadline" | "swallowed" | "exit" | "out_of_step";
  readonly detail: string;
  /** The last lines of PostgreSQL's own log. */
  readonly lastWords: readonly string[];
}

/** A request that was not answered, as the engine ended. */
export interface RequestLost {
  readonly kind: "request_lost";
  readonly failure: EngineFailed;
  /** Whether the engine may have begun it; one that it has not begun can be asked again, whatever it is. */
  readonly hasBegun: boolean;
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

/** A statement that the engine has parsed under a name. */
interface Preparation {
  readonly name: string;
  readonly fields: readonly Field[];
}

/** More than the adapters have; a statement beyond is parsed each time. */
const MAX_PREPARED = 200;

/** PostgreSQL in a Worker of its own. It does what it is asked one after the other, in order. */
export interface Engine {
  /** Whether the engine had to replay its write-ahead log, as it was not shut down before. */
  readonly recovered: boolean;
  /** Where the write-ahead log ended at the last write or checkpoint. */
  position(): Lsn;
  /**
   * Runs statements as one transaction, where none is open: all of them, or none. Gives their replies, the last of which
   * may be an error; those after it were not begun.
   */
  execute(statements: readonly Statement[], how: Handling): Promise<Result<readonly Reply[], RequestLost>>;
  /** Writes everything to its place, and records what the files then are; gives PostgreSQL's error where it has one. */
  checkpoint(): Promise<Result<DatabaseError | null, RequestLost>>;
  /** Shuts PostgreSQL down. `isShutDown`: the next open needs no recovery. */
  close(): Promise<Result<{ readonly isShutDown: boolean }, RequestLost>>;
  /** Ends the Worker at once, as a crash would. */
  kill(): Promise<void>;
}

export interface Handling {
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
const WORKER_FILE = new URL("../../../../dist/infrastructure/pglite/engine/worker.js", import.meta.url);
// A stack that deep JSON does not exhaust, where PostgreSQL's own limit is reached first.
const RESOURCE_LIMITS = { stackSizeMb: 64, maxOldGenerationSizeMb: 512 };
const LAST_WORDS = 20;
/**
 * A deadline is waited for in parts: a process that was stopped for a while, as `docker pause` does, finds one of them
 * over when it goes on, and not the whole. Its engine did not run either.
 */
const DEADLINE_PARTS = 10;
const MAX_DEADLINE_PART_MS = 1000;
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

/** How a Worker ended, and whether it may have begun what it was asked. */
interface Ending {
  readonly kind: "ended";
  readonly reason: EngineFailed["reason"];
  readonly detail: string;
  readonly hasBegun: boolean;
}

interface Thread {
  readonly lastWords: readonly string[];
  send(request: EngineRequest, transfer: readonly ArrayBuffer[]): void;
  /** The next event that nobody waits for yet and is not a line of the log, or how the Worker ended. */
  next(deadlineMs: number): Promise<Event | Ending>;
  /** Ends the Worker because of what is said. */
  end(reason: EngineFailed["reason"], detail: string): void;
  kill(): Promise<void>;
  readonly ended: Promise<Ending>;
  /** Called once the Worker is gone, before `next` and `ended` settle. */
  onEnded: (ending: Ending) => void;
}

interface Waiter {
  readonly settle: (event: Event | Ending) => void;
  readonly deadlineMs: number;
}

function startThread(data: EngineWorkerData): Thread {
  const worker = new Worker(WORKER_FILE, { workerData: data, resourceLimits: RESOURCE_LIMITS });
  const lastWords: string[] = [];
  // Answers come in the order of asking, so the first is the one that the Worker is at.
  const waiters: Waiter[] = [];
  let ending: Ending | null = null;
  let isGone = false;
  let deadline: NodeJS.Timeout | undefined;

  const thread: Pick<Thread, "onEnded"> = { onEnded: () => {} };
  const end = (reason: EngineFailed["reason"], detail: string) => {
    ending ??= { kind: "ended", reason, detail, hasBegun: true };
    void worker.terminate();
  };
  const watchFirst = () => {
    clearTimeout(deadline);
    const first = waiters[0];
    if (first === undefined) return;
    const { deadlineMs } = first;
    const partMs = Math.min(deadlineMs / DEADLINE_PARTS, MAX_DEADLINE_PART_MS);
    let leftMs = deadlineMs;
    const watchPart = () => {
      deadline = setTimeout(() => {
        leftMs -= partMs;
        if (leftMs > 0) watchPart();
        else end("deadline", `no answer within ${deadlineMs} ms`);
      }, partMs);
    };
    watchPart();
  };
  // Only a Worker that is gone has let go of its files, so nobody hears of its end before. What it said before it was
  // gone is heard first.
  const ended = new Promise<Ending>((settle) => {
    worker.once("exit", (code) => {
      const detail = `the engine's thread ended with ${code}`;
      const how = (ending ??= { kind: "ended", reason: "exit", detail, hasBegun: true });
      isGone = true;
      clearTimeout(deadline);
      thread.onEnded(how);
      settle(how);
      for (const [index, waiter] of waiters.splice(0).entries()) waiter.settle({ ...how, hasBegun: index === 0 });
    });
  });
  worker.once("error", (error) => end("exit", describeError(error)));
  worker.on("message", (event: EngineEvent) => {
    if (event.kind === "line") {
      lastWords.push(event.text);
      if (lastWords.length > LAST_WORDS) lastWords.shift();
      // After a PANIC the engine may spin for ever instead of answering.
      if (FATAL_LINE.test(event.text)) end("panic", event.text);
      return;
    }
    // An answer after a PANIC is worth nothing. Who waits for it hears of the end once the Worker is gone: what they ask
    // next would be sent to it still.
    if (ending?.reason === "panic") return;
    const first = waiters.shift();
    watchFirst();
    first?.settle(event);
  });

  return Object.assign(thread, {
    lastWords,
    send: (request: EngineRequest, transfer: readonly ArrayBuffer[]) => worker.postMessage(request, transfer),
    next: async (deadlineMs: number) =>
      new Promise<Event | Ending>((settle) => {
        // Nothing comes from a Worker that is gone.
        if (isGone && ending !== null) return settle({ ...ending, hasBegun: false });
        if (waiters.push({ settle, deadlineMs }) === 1) watchFirst();
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

  const lost = (ending: Ending): RequestLost => ({
    kind: "request_lost",
    failure: failure(ending),
    hasBegun: ending.hasBegun,
  });

  thread.onEnded = (ending) => {
    if (!isEnding) onFailed(failure(ending));
  };

  const request = async (sent: EngineRequest, deadlineMs: number, transfer: readonly ArrayBuffer[] = []) => {
    const event = thread.next(deadlineMs);
    thread.send(sent, transfer);
    return event;
  };

  /** Sends a message of the protocol, or asks for a checkpoint, which answers with one. */
  const ask = async (
    sent: EngineRequest,
    statements: number,
    deadlineMs: number,
    transfer?: readonly ArrayBuffer[],
  ): Promise<Result<Answer, RequestLost>> => {
    const event = await request(sent, deadlineMs, transfer);
    if (event.kind === "ended") return err(lost(event));
    const answer = event.kind === "reply" ? decodeAnswer(event.bytes, statements) : null;
    if (answer === null || isFatal(answer)) {
      thread.end("swallowed", answer?.error?.message ?? "the engine's answer is not whole");
      return err(lost(await thread.ended));
    }
    if (event.kind === "reply" && event.position !== null) position = event.position;
    return ok(answer);
  };

  const send = async (bytes: Uint8Array<ArrayBuffer>, statements: number, { acknowledges, deadlineMs }: Handling) =>
    ask({ kind: "message", bytes, acknowledges }, statements, deadlineMs, [bytes.buffer]);

  const prepared = new Map<string, Promise<Result<Preparation | null, RequestLost>>>();
  let names = 0;

  /** Prepares a statement at its first use; `null` when PostgreSQL refuses it, or when there are too many already. */
  const prepare = async (text: string, deadlineMs: number): Promise<Result<Preparation | null, RequestLost>> => {
    const known = prepared.get(text);
    if (known !== undefined) return known;
    if (prepared.size >= MAX_PREPARED) return ok(null);
    const name = `s${names++}`;
    const handling = { acknowledges: false, deadlineMs };
    const preparation = send(encodePreparation(name, text), 0, handling).then((answer) =>
      answer.map(({ error, fields }) => {
        if (error === null) return { name, fields };
        // It may be the transaction that is at fault, or a table that is not there yet.
        prepared.delete(text);
        return null;
      }),
    );
    prepared.set(text, preparation);
    return preparation;
  };

  return {
    recovered: opened.recovered,
    position: () => position,
    execute: async (statements, how) => {
      const preparing = await Promise.all(statements.map(async ({ text }) => prepare(text, how.deadlineMs)));
      const combined = Result.combine(preparing);
      if (combined.isErr()) return err(combined.error);
      const preparations = combined.value;
      const executions = statements.map((statement, index): Execution => {
        const name = preparations[index]?.name;
        return name === undefined ? statement : { name, values: statement.values };
      });
      const answer = await send(encodeExecutions(executions), statements.length, how);
      return answer.map(({ replies, error }) => {
        const done = replies.map((reply, index) => ({
          ...reply,
          fields: preparations[index]?.fields ?? reply.fields,
          error: null,
        }));
        return error === null ? done : [...done, { fields: [], rows: [], command: null, error }];
      });
    },
    checkpoint: async () => (await ask({ kind: "checkpoint" }, 1, UPKEEP_DEADLINE_MS)).map(({ error }) => error),
    close: async () => {
      isEnding = true;
      const event = await request({ kind: "close" }, UPKEEP_DEADLINE_MS);
      if (event.kind === "ended") return err(lost(event));
      await thread.kill();
      return ok({ isShutDown: event.kind === "closed" && event.isShutDown });
    },
    kill: async () => {
      isEnding = true;
      await thread.kill();
    },
  };
}

function isFatal({ error }: Answer): boolean {
  return error?.severity === "FATAL" || error?.severity === "PANIC";
}

function notOpened(event: Event | Ending, lastWords: readonly string[]): EngineNotOpened {
  const detail = event.kind === "failed" ? event.reason : event.kind === "ended" ? event.detail : event.kind;
  return { kind: "engine_not_opened", detail, lastWords: [...lastWords] };
}
