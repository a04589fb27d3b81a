import { err, ok, type Result } from "neverthrow";
import { threadFor } from "./early-thread.ts";
import type { EngineRequest } from "./messages.ts";
import { preparedStatements, type ResolvedStatement } from "./prepared-statements.ts";
import {
  decodeAnswer,
  encodeExecutions,
  encodePreparation,
  encodeRemovals,
  encodeScript,
  type Answer,
  type DatabaseError,
  type Notification,
  type Reply,
  type Statement,
} from "./wire-protocol.ts";
import {
  startWorkerThread,
  type EndReason,
  type WorkerAnswer,
  type WorkerEnd,
  type WorkerThread,
} from "./worker-thread.ts";

/**
 * The engine ended unexpectedly, and its Worker has exited. `stale_state`: the host ended it, because writes failed
 * although the files were correct.
 */
export interface EngineFailed {
  readonly kind: "engine_failed";
  readonly reason: EndReason | "stale_state";
  readonly detail: string;
  /** The last lines of PostgreSQL's own log. */
  readonly lastLines: readonly string[];
}

/** A request got no answer, because the engine ended. */
export interface RequestLost {
  readonly kind: "request_lost";
  readonly failure: EngineFailed;
  /** Whether the engine may have begun the request. A request that had not begun can always be repeated. */
  readonly hasBegun: boolean;
}

/** PostgreSQL does not open the cluster. */
export interface EngineNotOpened {
  readonly kind: "engine_not_opened";
  readonly detail: string;
  readonly lastLines: readonly string[];
}

/** The guard of the host found the files damaged, before PostgreSQL opened them. */
export interface ClusterDamaged<Damage> {
  readonly kind: "cluster_damaged";
  readonly damage: Damage;
}

/** PostgreSQL in its own Worker. It serves requests one at a time, first come, first served. */
export interface Engine {
  /** Whether PostgreSQL replayed its write-ahead log at the start, after an unclean shutdown. */
  readonly hasRecovered: boolean;
  /** The end of the write-ahead log after the last acknowledged write or checkpoint. */
  position(): bigint;
  /**
   * Runs statements as one transaction, unless one is open: all or none take effect. Returns their replies. The last
   * reply may be an error; the later statements had not begun.
   */
  execute(statements: readonly Statement[], handling: Handling): Promise<Result<readonly Reply[], RequestLost>>;
  /**
   * Runs a script of any number of statements, as one transaction unless it has its own.
   * Returns the replies, the last of which may be an error, and whether the script has left a transaction open.
   */
  executeScript(script: string, handling: Handling): Promise<Result<ScriptAnswer, RequestLost>>;
  /** Flushes all files, and lets the guard record them. Returns PostgreSQL's error, or `null`. */
  checkpoint(): Promise<Result<DatabaseError | null, RequestLost>>;
  /** Shuts PostgreSQL down. `isShutDown`: the shutdown was clean. */
  close(): Promise<Result<{ readonly isShutDown: boolean }, RequestLost>>;
  /** Ends the Worker immediately, like a crash. */
  kill(): Promise<void>;
}

export interface ScriptAnswer {
  readonly replies: readonly Reply[];
  readonly isInTransaction: boolean;
}

export interface Handling {
  /** Whether the reply acknowledges a write to a client. */
  readonly acknowledges: boolean;
  /** The deadline after which the watchdog ends the engine. */
  readonly deadlineMs: number;
  /**
   * Whether the statements may truncate, replace or remove files, as changes of the schema do. These may change the columns of prepared
   * statements, which are then prepared again. Nothing else may use the engine at the same time.
   */
  readonly removesFiles?: boolean;
}

export interface EngineOptions {
  /** The built file of a Worker that calls `serveEngine`. */
  readonly worker: URL;
  /** The data for that file, which receives it as a message. */
  readonly data: unknown;
  /** Called when the engine has failed and its Worker has exited, before any caller gets the failure of its request. */
  readonly onFailed: (failure: EngineFailed) => void;
  /** Called for each message of a channel on which the session listens. */
  readonly onNotification?: (notification: Notification) => void;
}

/** For opening, crash recovery, checkpoints, vacuums and schema changes. These take seconds at most, except on a slow disk. */
export const UPKEEP_DEADLINE_MS = 600_000;

/**
 * Creates a new cluster in an empty directory.
 *
 * @param worker The built file of `initialise-worker.ts`.
 */
export async function initialiseEngine(cluster: string, worker: URL): Promise<Result<void, EngineNotOpened>> {
  const thread = startWorkerThread<never>(worker);
  const event = await answerToStart(thread, { cluster });
  await thread.kill();
  return event.kind === "initialised" ? ok() : err(notOpened(event, thread.lastLines));
}

/** Opens a cluster. Fails with `cluster_damaged` or `engine_not_opened`. */
export async function openEngine<Damage>(
  options: EngineOptions,
): Promise<Result<Engine, EngineNotOpened | ClusterDamaged<Damage>>> {
  const thread = threadFor<Damage>(options.worker);
  const event = await answerToStart(thread, options.data);
  if (event.kind === "opened") return ok(engineOn(thread, event, options));
  await thread.kill();
  if (event.kind === "refused") return err({ kind: "cluster_damaged", damage: event.damage });
  return err(notOpened(event, thread.lastLines));
}

async function answerToStart<Damage>(thread: WorkerThread<Damage>, data: unknown) {
  const event = thread.next(UPKEEP_DEADLINE_MS);
  thread.send({ data }, []);
  return event;
}

function notOpened(event: WorkerAnswer<unknown> | WorkerEnd, lastLines: readonly string[]): EngineNotOpened {
  const detail = event.kind === "failed" ? event.reason : event.kind === "ended" ? event.detail : event.kind;
  return { kind: "engine_not_opened", detail, lastLines: [...lastLines] };
}

function engineOn(
  thread: WorkerThread<unknown>,
  opened: { readonly hasRecovered: boolean; readonly position: bigint },
  { onFailed, onNotification = () => {} }: EngineOptions,
): Engine {
  let isClosing = false;
  const { exchange, position } = exchangeWith(thread, opened.position, onNotification);

  const reportEnd = async () => {
    const end = await thread.ended;
    if (!isClosing) onFailed(failureOf(end, thread.lastLines));
  };
  void reportEnd();

  const send = async (
    bytes: Uint8Array<ArrayBuffer>,
    statements: number | "script",
    { acknowledges, deadlineMs, removesFiles = false }: Handling,
  ) => exchange({ kind: "message", bytes, acknowledges, removesFiles }, statements, deadlineMs, [bytes.buffer]);

  const prepared = preparedStatements(async (name, text, deadlineMs) =>
    send(encodePreparation(name, text), 0, { acknowledges: false, deadlineMs }),
  );

  /** Removes all prepared statements after a change of the schema. */
  const prepareAgain = async (deadlineMs: number) => {
    const names = await prepared.invalidate();
    return names.length === 0 ? ok() : send(encodeRemovals(names), 0, { acknowledges: false, deadlineMs });
  };

  return {
    hasRecovered: opened.hasRecovered,
    position,
    execute: async (statements, handling) => {
      const resolved = await prepared.resolve(statements, handling.deadlineMs);
      if (resolved.isErr()) {
        return resolved.error.kind === "statement_refused"
          ? ok([failedReply(resolved.error.error)])
          : err(resolved.error);
      }
      const executions = resolved.value.map(({ execution }) => execution);
      const answer = await send(encodeExecutions(executions), statements.length, handling);
      const removed = handling.removesFiles === true ? await prepareAgain(handling.deadlineMs) : ok();
      if (answer.isOk() && removed.isErr()) return err(removed.error);
      return answer.map((decoded) => repliesOf(decoded, resolved.value));
    },
    executeScript: async (script, handling) => {
      const answer = await send(encodeScript(script), "script", handling);
      if (answer.isErr()) return err(answer.error);
      const removed = handling.removesFiles === true ? await prepareAgain(handling.deadlineMs) : ok();
      if (removed.isErr()) return err(removed.error);
      const { isInTransaction } = answer.value;
      return ok({ replies: repliesOf(answer.value, []), isInTransaction });
    },
    checkpoint: async () => (await exchange({ kind: "checkpoint" }, 1, UPKEEP_DEADLINE_MS)).map(({ error }) => error),
    close: async () => {
      isClosing = true;
      const event = await requestOf(thread, { kind: "close" }, UPKEEP_DEADLINE_MS);
      if (event.kind === "ended") return err(lostBy(event, thread.lastLines));
      await thread.kill();
      return ok({ isShutDown: event.kind === "closed" && event.isShutDown });
    },
    kill: async () => {
      isClosing = true;
      await thread.kill();
    },
  };
}

async function requestOf(
  thread: WorkerThread<unknown>,
  sent: EngineRequest,
  deadlineMs: number,
  transfer: readonly ArrayBuffer[] = [],
) {
  const event = thread.next(deadlineMs);
  thread.send(sent, transfer);
  return event;
}

/** The exchange of messages with the Worker, and the position of the write-ahead log that its answers report. */
function exchangeWith(
  thread: WorkerThread<unknown>,
  openedAt: bigint,
  onNotification: (notification: Notification) => void,
) {
  let position = openedAt;
  return {
    position: () => position,
    /** Sends a message of the protocol with this number of statements, and receives the answer. */
    exchange: async (
      sent: EngineRequest,
      statements: number | "script",
      deadlineMs: number,
      transfer?: readonly ArrayBuffer[],
    ): Promise<Result<Answer, RequestLost>> => {
      const event = await requestOf(thread, sent, deadlineMs, transfer);
      if (event.kind === "ended") return err(lostBy(event, thread.lastLines));
      const answer = event.kind === "reply" ? decodeAnswer(event.bytes, statements) : null;
      if (answer === null || isFatal(answer)) {
        thread.end("swallowed", answer?.error?.message ?? "the engine's answer is incomplete");
        return err(lostBy(await thread.ended, thread.lastLines));
      }
      if (event.kind === "reply" && event.position !== null) position = event.position;
      for (const notification of answer.notifications) onNotification(notification);
      return ok(answer);
    },
  };
}

function failureOf({ reason, detail }: WorkerEnd, lastLines: readonly string[]): EngineFailed {
  return { kind: "engine_failed", reason, detail, lastLines: [...lastLines] };
}

function lostBy(end: WorkerEnd, lastLines: readonly string[]): RequestLost {
  return { kind: "request_lost", failure: failureOf(end, lastLines), hasBegun: end.hasBegun };
}

/** The replies with the fields that their prepared statements have, and PostgreSQL's error as the last one. */
function repliesOf({ replies, error }: Answer, statements: readonly ResolvedStatement[]): readonly Reply[] {
  const done = replies.map((reply, index) => {
    return { ...reply, fields: statements[index]?.fields ?? reply.fields, error: null };
  });
  return error === null ? done : [...done, failedReply(error)];
}

function failedReply(error: DatabaseError): Reply {
  return { fields: [], rows: [], command: null, error };
}

function isFatal({ error }: Answer): boolean {
  return error?.severity === "FATAL" || error?.severity === "PANIC";
}
