import { driverError, type DriverError } from "../../sql/driver-error.ts";
import { currentSignal } from "../../sql/current-signal.ts";
import { isSelect } from "../../sql/is-select.ts";
import { encodeParameter, type Parameter } from "../../sql/parameter.ts";
import { UPKEEP_DEADLINE_MS, type Engine } from "../engine/engine.ts";
import type { Statement } from "../engine/wire-protocol.ts";
import type { AdmissionRejected, AdmissionRequest } from "./admission-queue.ts";
import { mayRemoveFiles } from "./file-removal.ts";
import { groupCommit, type CommitStatistics, type WriteToEngine } from "./group-commit.ts";
import { executeOne, lostStatement, resultOf, sizeOf, type QueryOptions, type Results } from "./statement.ts";
import { subscribing, type Listen, type Subscriptions } from "./subscriptions.ts";
import type { EngineLease, Supervisor } from "./supervisor.ts";
import { beginTransaction } from "./transaction.ts";
import { refuseWrite, runWrite, type WriteGuardOptions } from "./write-guard.ts";

/** The part of PGlite that Drizzle's session uses. */
export interface DrizzleClient {
  query<T>(text: string, parameters?: Parameter[], options?: QueryOptions): Promise<Results<T>>;
  transaction<T>(work: (client: DrizzleClient) => Promise<T>): Promise<T>;
}

/** The whole client: Drizzle's part, scripts, and LISTEN. */
export interface EngineClient extends DrizzleClient {
  /** Runs a script of any number of statements, as one transaction unless it has its own. Returns the result of each statement. */
  exec(script: string): Promise<readonly Results<unknown>[]>;
  /**
   * Calls the listener with the payload of each NOTIFY on a channel, from the commit of the transaction that sends it. Messages
   * during a restart of the engine are lost. Returns the function that ends it.
   */
  readonly listen: Listen;
}

interface ClientOptions extends WriteGuardOptions {
  readonly supervisor: Supervisor;
  readonly subscriptions: Subscriptions;
  readonly commits: CommitStatistics;
  /** The time limits of a statement, and of a transaction that holds the engine. */
  readonly deadlineMs: () => number;
}

/**
 * The connection for Drizzle. It acquires the engine and distinguishes reads from writes. The error of a lost statement
 * says whether the statement may have taken effect.
 */
export function engineClient(options: ClientOptions): EngineClient {
  const { supervisor } = options;
  const writers = new WeakMap<Engine, WriteToEngine>();

  const writerOf = (engine: Engine): WriteToEngine => {
    const writer = writers.get(engine) ?? groupCommit(engine, options.commits);
    writers.set(engine, writer);
    return writer;
  };

  const write = async (engine: Engine, statement: Statement, deadlineMs: number) =>
    runWrite(statement.text, sizeOf(statement), options, async () => {
      if (!mayRemoveFiles(statement.text)) return writerOf(engine)(statement, deadlineMs);
      return executeOne(engine, statement, { acknowledges: true, deadlineMs, removesFiles: true });
    });

  const query: DrizzleClient["query"] = async (text, parameters = [], queryOptions) => {
    requireNoTransactionControl(text);
    const signal = currentSignal();
    const isRead = isSelect(text);
    const looking = isRead ? null : refuseWrite(text, options);
    if (looking !== null) await looking;
    const statement = { text, values: parameters.map(encodeParameter) };
    const deadlineMs = options.deadlineMs();
    for (let begun = 0, isRetry = false; ; isRetry = true) {
      const { engine, release } = await acquire(supervisor, {
        bytes: sizeOf(statement),
        // No checkpoint may record the files while a statement removes them.
        mode: !isRead && mayRemoveFiles(text) ? "exclusive" : "shared",
        isRetry,
        // Only reads have a signal. A write is always completed, even if its request was aborted.
        ...(signal === undefined ? {} : { signal }),
      });
      const running = isRead
        ? executeOne(engine, statement, { acknowledges: false, deadlineMs })
        : write(engine, statement, deadlineMs);
      const reply = await running.finally(release);
      if (reply.isOk()) return resultOf(reply.value, isRead, queryOptions, options);
      const { failure, hasBegun } = reply.error;
      if (!hasBegun) continue;
      // A read that was lost with the engine is repeated only once, because it may be the reason why the engine failed.
      if (!isRead || begun > 0 || failure.reason === "deadline") throw lostStatement(failure, isRead);
      begun++;
    }
  };

  const transaction: DrizzleClient["transaction"] = async (work) => {
    const looking = refuseWrite("begin", options);
    if (looking !== null) await looking;
    const session = await beginTransaction(await acquire(supervisor, { bytes: 0, mode: "exclusive" }), options);
    try {
      const result = await work({ query: async (...statement) => session.query(...statement), transaction });
      await session.commit();
      return result;
    } catch (thrown) {
      await session.rollback();
      throw thrown;
    } finally {
      session.end();
    }
  };

  const listen = subscribing(options.subscriptions, async (text) => query(text));
  return { query, transaction, exec: async (script) => runScript(script, options), listen };
}

const TRANSACTION_CONTROL = /^\s*(?:begin|start|commit|end|rollback|abort|savepoint|release|prepare transaction)\b/i;

/** All callers share one session, so the statements of others would run in a transaction that a statement begins. */
function requireNoTransactionControl(text: string): void {
  if (TRANSACTION_CONTROL.test(text))
    throw new TypeError("Use client.transaction, because all callers share one session.");
}

async function runScript(script: string, options: ClientOptions) {
  const looking = refuseWrite(script, options);
  if (looking !== null) await looking;
  const { engine, release } = await acquire(options.supervisor, { bytes: script.length, mode: "exclusive" });
  return runScriptOn(engine, script, options).finally(release);
}

async function runScriptOn(engine: Engine, script: string, options: ClientOptions) {
  const ran = await runWrite(script, script.length, options, async () =>
    engine.executeScript(script, { acknowledges: true, deadlineMs: UPKEEP_DEADLINE_MS, removesFiles: true }),
  );
  if (ran.isErr()) throw lostStatement(ran.error.failure, !ran.error.hasBegun);
  const { replies, isInTransaction } = ran.value;
  if (isInTransaction) {
    const rollback = { text: "rollback", values: [] };
    const ended = await executeOne(engine, rollback, { acknowledges: false, deadlineMs: options.deadlineMs() });
    if (ended.isErr()) throw lostStatement(ended.error.failure, true);
  }
  const results = replies.map((reply) => resultOf<unknown>(reply, false, {}, options));
  if (isInTransaction) throw new Error("The script left its transaction open, so the transaction was rolled back.");
  return results;
}

async function acquire(supervisor: Supervisor, request: AdmissionRequest): Promise<EngineLease> {
  const lease = await supervisor.acquire(request);
  if (lease.isOk()) return lease.value;
  throw rejection(lease.error);
}

function rejection({ reason }: AdmissionRejected): DriverError {
  switch (reason) {
    case "full":
      return driverError("configuration_limit_exceeded", "The admission queue of the engine is full.");
    case "timeout":
      return driverError("configuration_limit_exceeded", "The request waited too long for the engine.");
    case "cancelled":
      return driverError("query_canceled", "The request was cancelled before the engine began it.");
    case "closed":
      return driverError("admin_shutdown", "The engine is closed.");
  }
}
