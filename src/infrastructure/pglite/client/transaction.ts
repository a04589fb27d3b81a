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

const HAS_ENDED = driverError("admin_shutdown", "The transaction has ended.");
const EXPIRED = driverError(
  "idle_in_transaction_session_timeout",
  "The transaction took too long and was rolled back.",
);

interface RunOptions {
  readonly acknowledges?: boolean;
  readonly isGuarded?: boolean;
  readonly endsWith?: DriverError | null;
}

/** The statements of a transaction, one after the other. */
function statementQueue(engine: EngineLease["engine"], options: TransactionOptions) {
  let last: Promise<unknown> = Promise.resolve();
  /** The error of each statement after the end of the transaction. */
  let ended: DriverError | null = null;

  return {
    hasEnded: () => ended !== null,
    /** Waits for the last statement. Returns false if another one follows it. */
    isIdle: async (): Promise<boolean> => {
      const finished = last;
      await finished;
      return finished === last;
    },
    /** Runs a statement after the earlier ones. `endsWith`: the statement ends the transaction. */
    run: async (
      text: string,
      parameters: readonly Parameter[] = [],
      { acknowledges = false, isGuarded = false, endsWith = null }: RunOptions = {},
    ): Promise<Reply> => {
      const statement = { text, values: parameters.map(encodeParameter) };
      const turn = last.then(async () => {
        if (ended !== null) throw ended;
        const reply = await executeGuarded(engine, statement, { acknowledges, isGuarded }, options);
        if (reply.isOk()) {
          // A refused commit may leave the transaction open, so a rollback has to follow it.
          if (reply.value.error === null) ended = endsWith;
          return reply.value;
        }
        // Only a commit may have taken effect. Any other lost transaction was rolled back, as if it had only read.
        const { failure, hasBegun } = reply.error;
        ended = lostStatement(failure, !(acknowledges && hasBegun));
        throw ended;
      });
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** Begins a transaction on an engine that is held exclusively. */
export async function beginTransaction(
  { engine, release }: EngineLease,
  options: TransactionOptions,
): Promise<Transaction> {
  const { run, isIdle, hasEnded } = statementQueue(engine, options);
  let isEnding = false;

  /** Ends a transaction that holds the engine without using it, so that other requests can continue. */
  const expire = async () => {
    const canEnd = await isIdle();
    if (isEnding) return;
    if (!canEnd) {
      deadline = startDeadline();
      return;
    }
    await run("rollback", [], { endsWith: EXPIRED }).catch(() => undefined);
    release();
  };
  const startDeadline = () => setTimeout(() => void expire(), options.deadlineMs());
  let deadline = startDeadline();
  const end = () => {
    isEnding = true;
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
      isEnding = true;
      const { command, error } = await run("commit", [], { acknowledges: true, endsWith: HAS_ENDED });
      if (error !== null) throw failedStatement(error, false, options);
      // PostgreSQL answers the commit of a failed transaction with a rollback, and no error.
      if (command === "ROLLBACK")
        throw new Error("The transaction was rolled back, as one of its statements had failed.");
    },
    rollback: async () => {
      isEnding = true;
      if (!hasEnded()) await run("rollback", [], { endsWith: HAS_ENDED }).catch(() => undefined);
    },
    end,
  };
}
