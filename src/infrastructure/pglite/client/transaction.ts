import { driverError, type DriverError } from "../../sql/driver-error.ts";
import { isSelect } from "../../sql/is-select.ts";
import { encodeParameter, type Parameter } from "../../sql/parameter.ts";
import type { Reply, Statement } from "../engine/wire-protocol.ts";
import { mayRemoveFiles } from "./file-removal.ts";
import { executeOne, lostStatement, resultOf, sizeOf, type QueryOptions, type Results } from "./statement.ts";
import type { EngineLease } from "./supervisor.ts";
import { failedStatement, runWrite, type WriteGuardOptions } from "./write-guard.ts";

interface TransactionOptions extends WriteGuardOptions {
  /** The time limits of a statement, and of the transaction while it holds the engine. */
  readonly deadlineMs: () => number;
}

/** A transaction that holds the engine. */
export interface Transaction {
  query<T>(text: string, parameters?: Parameter[], options?: QueryOptions): Promise<Results<T>>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  /** Releases the engine. */
  end(): void;
}

/** Executes a statement of a transaction. A guarded one waits until the disk has space for it. */
async function executeGuarded(
  engine: EngineLease["engine"],
  statement: Statement,
  { acknowledges, isGuarded }: { readonly acknowledges: boolean; readonly isGuarded: boolean },
  options: TransactionOptions,
) {
  const { text } = statement;
  const removesFiles = isGuarded && mayRemoveFiles(text);
  const execute = async () =>
    executeOne(engine, statement, { acknowledges, deadlineMs: options.deadlineMs(), removesFiles });
  return isGuarded ? runWrite(text, sizeOf(statement), options, execute) : execute();
}

/** Begins a transaction on an engine that is held exclusively. Its statements run one after the other. */
export async function beginTransaction(
  { engine, release }: EngineLease,
  options: TransactionOptions,
): Promise<Transaction> {
  let last: Promise<unknown> = Promise.resolve();
  let ended: DriverError | null = null;

  /** Runs a statement after the earlier ones. */
  const run = async (
    text: string,
    parameters: readonly Parameter[] = [],
    { acknowledges = false, isGuarded = false } = {},
  ): Promise<Reply> => {
    const statement = { text, values: parameters.map(encodeParameter) };
    const turn = last.then(async () => {
      if (ended !== null) throw ended;
      const reply = await executeGuarded(engine, statement, { acknowledges, isGuarded }, options);
      if (reply.isOk()) return reply.value;
      // Only a commit may have taken effect. Any other lost transaction was rolled back, as if it had only read.
      const { failure, hasBegun } = reply.error;
      ended = lostStatement(failure, !(acknowledges && hasBegun));
      throw ended;
    });
    last = turn.catch(() => undefined);
    return turn;
  };

  /** Ends a transaction that holds the engine without using it, so that other requests can continue. */
  const expire = async () => {
    const finished = last;
    await finished;
    if (finished !== last) return;
    await run("rollback").catch(() => undefined);
    ended ??= driverError("idle_in_transaction_session_timeout", "The transaction took too long and was rolled back.");
    release();
  };
  const deadline = setTimeout(() => void expire(), options.deadlineMs());
  const end = () => {
    clearTimeout(deadline);
    release();
  };

  try {
    await run("begin");
  } catch (thrown) {
    end();
    throw thrown;
  }

  return {
    query: async (text, parameters, queryOptions) => {
      const isRead = isSelect(text);
      return resultOf(await run(text, parameters, { isGuarded: !isRead }), isRead, queryOptions, options);
    },
    commit: async () => {
      const { command, error } = await run("commit", [], { acknowledges: true });
      if (error !== null) throw failedStatement(error, false, options);
      // PostgreSQL answers the commit of a failed transaction with a rollback, and no error.
      if (command === "ROLLBACK")
        throw new Error("The transaction was rolled back, as one of its statements had failed.");
      ended = driverError("admin_shutdown", "The transaction has ended.");
    },
    rollback: async () => {
      if (ended === null) await run("rollback").catch(() => undefined);
    },
    end,
  };
}
