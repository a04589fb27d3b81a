import postgres from "postgres";
import { driverError } from "../drizzle/driver-error.ts";
import { isSelect } from "../drizzle/is-select.ts";
import { encodeParameter, type Parameter } from "../drizzle/parameter.ts";
import { fitHost } from "./fit-host.ts";
import type { ServerUrl } from "./server-url.ts";

export interface ServerOptions {
  readonly server: ServerUrl;
  /** As many connections are open at a time at most. */
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  /** After which a connection that nobody uses is closed. */
  readonly idleTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** How long a statement waits for a lock. */
  readonly lockTimeoutMs: number;
  /** Whether statements are prepared under a name, which an old pooler in transaction mode does not allow. */
  readonly preparesStatements: boolean;
  /**
   * Whether the timeouts are set for each connection. A pooler in transaction mode refuses settings of a session; behind
   * one they are set for the role (docs/postgresql.md).
   */
  readonly setsTimeouts: boolean;
}

type Statement = ReturnType<postgres.Sql["unsafe"]>;

/** A statement that is sent when its rows are awaited, as objects or as arrays of values. */
interface Sendable extends PromiseLike<unknown> {
  values(): Promise<unknown>;
}

/** What Drizzle's session uses of postgres.js, and all that it is given. */
export interface ServerClient {
  readonly options: postgres.Sql["options"];
  unsafe(text: string, values?: Parameter[], options?: { readonly prepare?: boolean }): Sendable;
  begin<T>(work: (client: Pick<ServerClient, "unsafe">) => Promise<T>): Promise<T>;
  /** Ends every connection, after the statements that run; those that take longer than `graceMs` are cut off. */
  end(graceMs: number): Promise<void>;
}

/** Until a connection is made again; the driver's own delays grow to 20 seconds. */
const FIRST_DELAY_S = 0.05;
const LONGEST_DELAY_S = 1;

export function serverClient(options: ServerOptions): ServerClient {
  const { server, preparesStatements } = options;
  const sql = postgres(server.url, {
    ssl: server.tls,
    max: options.poolSize,
    connect_timeout: options.connectTimeoutMs / 1000,
    idle_timeout: options.idleTimeoutMs / 1000,
    prepare: preparesStatements,
    backoff: (failures) => Math.random() * Math.min(FIRST_DELAY_S * 2 ** failures, LONGEST_DELAY_S),
    onnotice: () => {},
    // Arrays are encoded here. Asking for their types, the driver lets nobody catch that the connection was lost meanwhile.
    fetch_types: false,
    connection: {
      application_name: "quire",
      ...(options.setsTimeouts ? timeouts(options) : {}),
    },
    ...fitHost(server, options.connectTimeoutMs),
  });

  const statementsOn =
    (connection: Pick<postgres.Sql, "unsafe">, onRead: Translation, onWrite: Translation): ServerClient["unsafe"] =>
    (text, values = [], { prepare = false } = {}) => {
      const statement = connection.unsafe(text, values.map(forDriver), { prepare: prepare && preparesStatements });
      return translated(statement, isSelect(text) ? onRead : onWrite);
    };

  return {
    options: sql.options,
    unsafe: statementsOn(sql, lostRead, lostWriteAlone),
    begin: async (work) => {
      let isCommitting = false;
      let isOver = false;
      const seeLoss = (error: unknown) => {
        isOver ||= endsConnection(error);
        return lostRead(error);
      };
      try {
        const done = await sql.begin(async (connection) => {
          const unsafe = statementsOn(connection, seeLoss, seeLoss);
          try {
            const result = await work({ unsafe: (...statement) => (isOver ? TOO_LATE : unsafe(...statement)) });
            isCommitting = !isOver;
            return { result };
          } finally {
            // Whatever the driver sends for this transaction from now on, it sends to nobody, which ends the process, or
            // to whom the connection serves by then. It knows by itself that the connection has ended.
            if (isOver) await new Promise<never>(() => {});
          }
        });
        return done.result;
      } catch (thrown) {
        // Without a commit everything is undone.
        throw isCommitting ? lostWriteAlone(thrown) : lostRead(thrown);
      } finally {
        isOver = true;
      }
    },
    end: async (graceMs) => sql.end({ timeout: graceMs / 1000 }),
  };
}

function timeouts({ statementTimeoutMs, lockTimeoutMs }: ServerOptions) {
  return {
    statement_timeout: statementTimeoutMs,
    lock_timeout: lockTimeoutMs,
    idle_in_transaction_session_timeout: statementTimeoutMs,
  };
}

/** postgres.js writes a boolean and a number as PostgreSQL reads them; times and arrays it knows by Drizzle no longer. */
function forDriver(value: Parameter) {
  return value instanceof Date || Array.isArray(value) ? encodeParameter(value) : (value as string | number | null);
}

/** Puts an error into PostgreSQL's own terms. */
type Translation = (error: unknown) => unknown;

/** The statement with its errors put into PostgreSQL's own terms. */
function translated(statement: Statement, translate: Translation): Sendable {
  const rows = async (sent: Promise<unknown>) =>
    sent.catch((thrown: unknown) => {
      throw translate(thrown);
    });
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- Drizzle awaits it, and it must not be sent before.
    then: async (onRows, onError) => rows(statement).then(onRows, onError),
    values: async () => rows(statement.values()),
  };
}

/** The connection was not made, so that nothing was sent on it. */
const NOT_SENT = new Set([
  "CONNECT_TIMEOUT",
  "EACCES",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "ENOTFOUND",
]);
/** The connection ended while it was in use. */
const LOST = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "ECONNABORTED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
]);

/** A statement of a transaction whose connection has ended meanwhile, or that is over. */
const TOO_LATE: Sendable = {
  // oxlint-disable-next-line unicorn/no-thenable -- As every statement is, it is awaited.
  then: async (onRows, onError) => refused().then(onRows, onError),
  values: async () => refused(),
};

async function refused(): Promise<never> {
  throw driverError("connection_failure", "the transaction has ended");
}

/** Whether an error is the last that comes on its connection. */
function endsConnection(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return LOST.has(String(error.code)) || ("severity" in error && ENDING.has(String(error.severity)));
}

/** PostgreSQL 18, 54.8: how bad it is, in English whatever the server speaks. */
const ENDING = new Set(["FATAL", "PANIC"]);

/** A statement that writes nothing, or whose writes are undone with its transaction. */
function lostRead(error: unknown): unknown {
  return connectionError(error, "connection_failure");
}

/** A write of its own, or a commit: nobody knows whether it was done. */
function lostWriteAlone(error: unknown): unknown {
  return connectionError(error, "transaction_resolution_unknown");
}

/** The server ends the connection: an error that it may also give after a commit, in the place of its answer. */
const ENDED_BY_SERVER = new Set(["57P01", "57P02"]);

function connectionError(error: unknown, whenLost: "connection_failure" | "transaction_resolution_unknown"): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (NOT_SENT.has(code)) return driverError("sqlclient_unable_to_establish_sqlconnection", messageOf(error));
  const isLost = LOST.has(code) || ENDED_BY_SERVER.has(code);
  return isLost ? driverError(whenLost, messageOf(error)) : error;
}

/** Where a name has several addresses and none answers, Node's error has no message of its own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
