import postgres from "postgres";
import type { Log } from "../../../application/ports/log.ts";
import type { AbortSignal } from "../../../domain/shared/abort-signal.ts";
import { currentSignal } from "../../sql/current-signal.ts";
import { driverError } from "../../sql/driver-error.ts";
import { isSelect } from "../../sql/is-select.ts";
import { encodeParameter, type Parameter } from "../../sql/parameter.ts";
import { endsConnection, readError, writeError } from "./connection-error.ts";
import type { ConnectToServer } from "./connection.ts";
import { connectionWatchdog } from "./connection-watchdog.ts";
import { driverOptions, socketMaker } from "./driver-options.ts";
import { checkHostHealth } from "./host-health.ts";
import { hostSelection } from "./host-selection.ts";
import { connectOnNode } from "./node-connection.ts";
import { renewedPool } from "./renewed-pool.ts";
import type { ServerUrl } from "./server-url.ts";
import { pooledSettings, sessionSettings } from "./session-settings.ts";

export interface ServerOptions {
  readonly server: ServerUrl;
  /** The maximum number of open connections. */
  readonly poolSize: number;
  readonly connectTimeoutMs: number;
  /** An idle connection is closed after this time. */
  readonly idleTimeoutMs: number;
  /** The time limit of a statement, and of a pause between two statements of a transaction; `null` for no limit. */
  readonly statementTimeoutMs: number | null;
  /** The time limit of a wait for a lock. */
  readonly lockTimeoutMs: number;
  /** Whether statements are prepared under a name. An old pooler in transaction mode does not allow it. */
  readonly preparesStatements: boolean;
  /**
   * Whether each connection sets the timeouts and all other settings itself. A pooler in transaction mode refuses most of
   * them, so behind a pooler they are set for the role (docs/postgresql.md).
   */
  readonly setsTimeouts: boolean;
  /** Opens a connection; by default with the sockets of Node. */
  readonly connect?: ConnectToServer;
  /** Schemas that hold extensions, in addition to `public`. */
  readonly extensionSchemas?: readonly string[];
  readonly log: Log;
}

type Statement = ReturnType<postgres.Sql["unsafe"]>;

/** A statement that is sent when its rows are awaited. The rows are objects or arrays of values. */
interface Sendable extends PromiseLike<unknown> {
  values(): Promise<unknown>;
}

/** The part of postgres.js that Drizzle's session uses. */
export interface ServerClient {
  readonly options: postgres.Sql["options"];
  unsafe(text: string, values?: Parameter[], options?: { readonly prepare?: boolean }): Sendable;
  begin<T>(work: (client: Pick<ServerClient, "unsafe">) => Promise<T>): Promise<T>;
  /** The statements and transactions that run now or wait for a connection. */
  running(): number;
  /** Closes every connection after its running statements. Statements that take longer than `graceMs` are cut off. */
  end(graceMs: number): Promise<void>;
}

/** The delays before a lost connection is opened again. The driver's own delays grow to 20 seconds. */
const FIRST_DELAY_S = 0.05;
const MAX_DELAY_S = 1;

/** How much longer than the server the client waits, so that the server reports its own timeout first. */
const ANSWER_GRACE_MS = 5000;

export function serverClient(options: ServerOptions): ServerClient {
  const { pool, watchdog, preparesStatements } = openPool(options);

  const send: Send = async (on, [text, values = [], { prepare = false } = {}], take, signal) => {
    const statement = on.unsafe(text, values.map(forDriver), { prepare: prepare && preparesStatements });
    return signal === undefined ? take(statement) : untilAborted(statement, take, signal);
  };

  return {
    options: pool.options,
    unsafe: (...sending) => {
      const signal = currentSignal();
      return sendable(async (take) =>
        pool.use(async (sql, renew) => {
          try {
            return await send(sql, sending, take, signal);
          } catch (thrown) {
            if (endsConnection(thrown)) renew();
            throw isSelect(sending[0]) ? readError(thrown) : writeError(thrown);
          }
        }),
      );
    },
    begin: async (work) => pool.use(async (sql, renew) => runTransaction({ sql, send, renew }, work)),
    running: () => pool.running(),
    end: async (graceMs) => {
      await pool.end(graceMs);
      // The driver leaves a dead connection to the operating system, which keeps it for a quarter of an hour.
      watchdog.close();
    },
  };
}

function openPool(options: ServerOptions) {
  const { server, statementTimeoutMs, connect = connectOnNode, log } = options;
  const connectTimeoutMs = server.connectTimeoutMs ?? options.connectTimeoutMs;
  const preparesStatements = options.preparesStatements && !server.isPooled;
  const watchdog = connectionWatchdog({
    checkHost: async (address, backends) => checkHostHealth(server, address, backends, connect),
    answerTimeoutMs: statementTimeoutMs === null ? null : statementTimeoutMs + ANSWER_GRACE_MS,
    log,
  });
  const selectHost = hostSelection(server, connectTimeoutMs, connect);
  const pool = renewedPool(() =>
    postgres({
      ...driverOptions(server),
      max: Math.min(options.poolSize, server.maxConnections ?? options.poolSize),
      connect_timeout: connectTimeoutMs / 1000,
      idle_timeout: options.idleTimeoutMs / 1000,
      prepare: preparesStatements,
      backoff: (failures) => Math.random() * Math.min(FIRST_DELAY_S * 2 ** failures, MAX_DELAY_S),
      connection: startupOf(options),
      ...socketMaker(server, connectTimeoutMs, connect, selectHost, (connection) => watchdog.watch(connection)),
    }),
  );
  return { pool, watchdog, preparesStatements };
}

interface TransactionPool {
  readonly sql: postgres.Sql;
  readonly send: Send;
  /** Replaces this pool, which has lost a connection, by a new one. */
  readonly renew: () => void;
}

/**
 * Runs a transaction. After its connection has ended, the driver must send nothing more for it: it would send its ROLLBACK
 * on a socket that is gone, which ends the process (porsager/postgres#1208), or on a connection that serves another
 * transaction by then (porsager/postgres#1216). So `work` never returns to the driver in this case. The driver rejects
 * `sql.begin` by itself when the connection closes, and then nothing refers to the promise that stays pending.
 */
async function runTransaction<T>(
  { sql, send, renew }: TransactionPool,
  work: (client: Pick<ServerClient, "unsafe">) => Promise<T>,
): Promise<T> {
  let isCommitting = false;
  let isOver = false;
  const unsafeOn =
    (connection: Connection): ServerClient["unsafe"] =>
    (...sending) =>
      sendable(async (take) => {
        if (isOver) throw driverError("connection_failure", "The transaction has ended.");
        try {
          return await send(connection, sending, take);
        } catch (thrown) {
          if (endsConnection(thrown)) isOver = true;
          throw readError(thrown);
        }
      });
  try {
    const done = await sql.begin(async (connection) => {
      try {
        const result = await work({ unsafe: unsafeOn(connection) });
        isCommitting = !isOver;
        return { result };
      } finally {
        if (isOver) await new Promise<never>(() => {});
      }
    });
    return done.result;
  } catch (thrown) {
    if (isOver || endsConnection(thrown)) renew();
    // Without a commit everything is undone.
    throw isCommitting ? writeError(thrown) : readError(thrown);
  } finally {
    isOver = true;
  }
}

/** Awaits the rows of a statement. If its signal is aborted before it was sent, the statement leaves the driver's queue. */
async function untilAborted(statement: Statement, take: Take, signal: AbortSignal): Promise<unknown> {
  const cancel = () => {
    // The driver sets the state of a query when a connection sends it. A later cancellation would need another connection.
    if (!("state" in statement) || statement.state === null || statement.state === undefined) statement.cancel();
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await take(statement);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

type Connection = Pick<postgres.Sql, "unsafe">;
type Sending = Parameters<ServerClient["unsafe"]>;
/** Sends a statement by taking its rows, as objects or as arrays of values. */
type Take = (statement: Statement) => PromiseLike<unknown>;
type Send = (on: Connection, sending: Sending, take: Take, signal?: AbortSignal) => Promise<unknown>;

/** The settings of a new connection. They override those in the `options` of the URL. */
function startupOf({
  server,
  setsTimeouts,
  extensionSchemas = [],
  ...options
}: ServerOptions): Readonly<Record<string, string>> {
  if (!setsTimeouts || server.isPooled) return { ...server.startup, ...pooledSettings };
  const { statementTimeoutMs, lockTimeoutMs } = options;
  // The driver leaves out the number 0, which means no limit, but not the text.
  const statementTimeout = String(statementTimeoutMs ?? 0);
  return {
    ...server.startup,
    ...sessionSettings(extensionSchemas),
    statement_timeout: statementTimeout,
    idle_in_transaction_session_timeout: statementTimeout,
    lock_timeout: String(statementTimeoutMs === null ? 0 : lockTimeoutMs),
  };
}

/** Encodes times and arrays: Drizzle turns off the encoders that postgres.js has for them. */
function forDriver(value: Parameter) {
  // The driver encodes the other values by itself.
  const isEncoded = value instanceof Date || value instanceof Uint8Array || Array.isArray(value);
  return isEncoded ? encodeParameter(value) : (value as string | number | null);
}

/** A statement that is sent only when its rows are awaited. */
function sendable(run: (take: Take) => Promise<unknown>): Sendable {
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- Drizzle awaits it, and nothing may be sent before.
    then: async (onRows, onError) => run((statement) => statement).then(onRows, onError),
    values: async () => run((statement) => statement.values()),
  };
}
