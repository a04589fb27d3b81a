import { types } from "@electric-sql/pglite";
import { driverError, type DriverError } from "../../sql/driver-error.ts";
import { currentSignal } from "../../sql/current-signal.ts";
import { isSelect } from "../../sql/is-select.ts";
import { encodeParameter, type Parameter } from "../../sql/parameter.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import type { Result } from "neverthrow";
import type { Engine, EngineFailed, Handling, RequestLost } from "../engine/engine.ts";
import { groupCommit, type WriteToEngine } from "./group-commit.ts";
import type { EngineLease, Supervisor } from "./supervisor.ts";
import type { AdmissionRejected, AdmissionRequest } from "./admission-queue.ts";
import { tellsOfDamage, type DatabaseError, type Reply, type Statement } from "../engine/wire-protocol.ts";
import { isFileFailure, type WriteHealth } from "./write-health.ts";
import { needsSpace } from "../directory/write-space.ts";

interface QueryOptions {
  readonly rowMode?: "array" | "object";
  /** How the values of a type are read, by its OID; PGlite's way is the default. */
  readonly parsers?: Readonly<Record<number, (value: string, type?: number) => unknown>>;
}

interface Results<T> {
  readonly rows: T[];
  readonly affectedRows?: number;
}

/** What Drizzle's session uses of PGlite, and all that it is given. */
export interface DrizzleClient {
  query<T>(text: string, parameters?: Parameter[], options?: QueryOptions): Promise<Results<T>>;
  transaction<T>(work: (client: DrizzleClient) => Promise<T>): Promise<T>;
}

interface ClientOptions {
  readonly supervisor: Supervisor;
  readonly space: DiskSpace;
  /** How long a statement may take, and a transaction may hold the engine, in milliseconds. */
  readonly deadlineMs: () => number;
  /** Called for every error by which PostgreSQL says that its files are damaged. */
  readonly onDamage: (error: DatabaseError) => void;
  /** Whether files are known to be damaged: then nothing more is written to them. */
  readonly isDamaged: () => boolean;
  readonly writes: WriteHealth;
  /** Whether its updates make no row longer: then they may be made while little space is free. */
  readonly shortens?: boolean;
}

/**
 * The connection that Drizzle is given: it waits for the engine's turns, tells reads from writes, and says of each
 * statement that the engine did not answer whether it may have been done.
 */
export function engineClient(options: ClientOptions): DrizzleClient {
  const { supervisor } = options;
  const writers = new WeakMap<Engine, WriteToEngine>();

  const writerOf = (engine: Engine): WriteToEngine => {
    const writer = writers.get(engine) ?? groupCommit(engine);
    writers.set(engine, writer);
    return writer;
  };

  const query: DrizzleClient["query"] = async (text, parameters = [], queryOptions) => {
    const isRead = isSelect(text);
    if (!isRead) refuseWrite(text, options);
    const statement = { text, values: parameters.map(encodeParameter) };
    const deadlineMs = options.deadlineMs();
    for (let begun = 0, isRetry = false; ; isRetry = true) {
      const { engine, release } = await acquire(supervisor, { bytes: sizeOf(statement), mode: "shared", isRetry });
      const reply = isRead
        ? await executeOne(engine, statement, { acknowledges: false, deadlineMs })
        : await writerOf(engine)(statement, deadlineMs);
      release();
      if (reply.isOk()) return resultOf(reply.value, isRead, queryOptions, options);
      const { failure, hasBegun } = reply.error;
      if (!hasBegun) continue;
      // A read that was lost with the engine is asked again, and once: it may be what the engine fails on.
      if (!isRead || begun > 0 || failure.reason === "deadline") throw lost(failure, isRead);
      begun++;
    }
  };

  const transaction: DrizzleClient["transaction"] = async (work) => {
    refuseWrite("begin", options);
    const session = await beginTransaction(await acquire(supervisor, { bytes: 0, mode: "exclusive" }), options);
    try {
      const result = await work({ query: session.query, transaction });
      await session.commit();
      return result;
    } catch (thrown) {
      await session.rollback();
      throw thrown;
    } finally {
      session.end();
    }
  };

  return { query, transaction };
}

/** A transaction on the engine, which nobody else has meanwhile. Its statements are run one after the other. */
async function beginTransaction({ engine, release }: EngineLease, options: ClientOptions) {
  let last: Promise<unknown> = Promise.resolve();
  let isOver: DriverError | null = null;

  const run = async (text: string, parameters: readonly Parameter[] = [], acknowledges = false): Promise<Reply> => {
    const values = parameters.map(encodeParameter);
    const turn = last.then(async () => {
      if (isOver !== null) throw isOver;
      const handling = { acknowledges, deadlineMs: options.deadlineMs() };
      const reply = await executeOne(engine, { text, values }, handling);
      if (reply.isOk()) return reply.value;
      // Only a commit may have been done: without one everything is undone, as if it had only read.
      const { failure, hasBegun } = reply.error;
      isOver = lost(failure, !(acknowledges && hasBegun));
      throw isOver;
    });
    last = turn.catch(() => undefined);
    return turn;
  };

  /** Ends a transaction that holds the engine and asks nothing of it, so that the others can go on. */
  const expire = async () => {
    const finished = last;
    await finished;
    if (finished !== last) return;
    await run("rollback").catch(() => undefined);
    isOver ??= driverError("idle_in_transaction_session_timeout", "The transaction took too long and is undone.");
    release();
  };
  const deadline = setTimeout(() => void expire(), options.deadlineMs());

  const begun = run("begin");
  await begun.catch(() => {
    clearTimeout(deadline);
    release();
  });
  await begun;

  const query: DrizzleClient["query"] = async (text, parameters, queryOptions) => {
    const isRead = isSelect(text);
    if (!isRead) refuseWrite(text, options);
    return resultOf(await run(text, parameters), isRead, queryOptions, options);
  };

  return {
    query,
    commit: async () => {
      const { command, error } = await run("commit", [], true);
      if (error !== null) throw failed(error, false, options);
      // PostgreSQL answers a commit of a transaction in which a statement failed with a rollback, and no error.
      if (command === "ROLLBACK") throw new Error("The transaction was undone, as one of its statements had failed.");
      isOver = driverError("admin_shutdown", "The transaction has ended.");
    },
    rollback: async () => {
      if (isOver === null) await run("rollback").catch(() => undefined);
    },
    end: () => {
      clearTimeout(deadline);
      release();
    },
  };
}

async function executeOne(
  engine: Engine,
  statement: Statement,
  handling: Handling,
): Promise<Result<Reply, RequestLost>> {
  return (await engine.execute([statement], handling)).map(([reply]) => reply as Reply);
}

/** What a statement holds in memory while it waits, in bytes, about. */
function sizeOf({ text, values }: Statement): number {
  return values.reduce((size, value) => size + (value?.length ?? 0), text.length);
}

/** Only reads have a signal: a write that was requested is done. */
function signalOf(): Pick<AdmissionRequest, "signal"> {
  const signal = currentSignal();
  return signal === undefined ? {} : { signal };
}

async function acquire(supervisor: Supervisor, request: AdmissionRequest): Promise<EngineLease> {
  const lease = await supervisor.acquire({ ...request, ...signalOf() });
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

function refuseWrite(text: string, { space, writes, isDamaged, shortens = false }: ClientOptions): void {
  if (isDamaged()) throw driverError("data_corrupted", "The database is damaged, so nothing is written to it.");
  const failure = writes.failure();
  if (failure !== null) throw unwritable(failure);
  if (!space.isLow() || (!needsSpace(text, shortens) && space.canFree())) return;
  space.noteRefusal();
  throw driverError("disk_full", "Less space is free than a write may need.");
}

/** What is said of a statement that was lost with the engine. */
function lost({ reason, detail }: EngineFailed, isRead: boolean): DriverError {
  if (!isRead) return driverError("transaction_resolution_unknown", `The engine failed in a write: ${detail}`);
  return reason === "deadline"
    ? driverError("query_canceled", `The engine took too long: ${detail}`)
    : // Not as a database that went away: what was asked may be what engines fail on, so nobody asks it again.
      driverError("system_error", `The engine failed: ${detail}`);
}

/** Notes what an error says of the files, and gives the one to throw. */
function failed(error: DatabaseError, isRead: boolean, { onDamage, writes }: ClientOptions): Error {
  if (tellsOfDamage(error)) onDamage(error);
  if (isRead || !isFileFailure(error)) return error;
  writes.note(error);
  return unwritable(error);
}

/** Not as a database that went away: the reads go on. */
function unwritable(error: DatabaseError): Error {
  const condition = error.code === "53100" ? "disk_full" : "insufficient_resources";
  return driverError(condition, `Writes fail for the files of the database: ${error.code}: ${error.message}`);
}

/** The result as PGlite gives it, or the error that PostgreSQL gave. */
function resultOf<T>(
  reply: Reply,
  isRead: boolean,
  queryOptions: QueryOptions = {},
  options: ClientOptions,
): Results<T> {
  const { error, fields, rows, command } = reply;
  if (error !== null) throw failed(error, isRead, options);
  const columns = fields.map(({ name, dataTypeID }) => {
    const parser = queryOptions.parsers?.[dataTypeID] ?? types.parsers[dataTypeID];
    const parse = (value: string | null): unknown =>
      value === null || parser === undefined ? value : parser(value, dataTypeID);
    return { name, parse };
  });
  const read = (row: Reply["rows"][number]): unknown => {
    const values = columns.map(({ parse }, index) => parse(row[index] ?? null));
    if (queryOptions.rowMode === "array") return values;
    return Object.fromEntries(columns.map(({ name }, index) => [name, values[index]]));
  };
  const affectedRows = Number(/ (\d+)$/.exec(command ?? "")?.[1] ?? 0);
  return { rows: rows.map(read) as T[], affectedRows };
}
