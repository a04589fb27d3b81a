import { driverError } from "../../sql/driver-error.ts";

/** No connection was made, so nothing was sent. */
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
/** Severities in English, whatever the language of the server (PostgreSQL 18, 54.8). */
const ENDING = new Set(["FATAL", "PANIC"]);
/** The server ends the connection. It may send this instead of the answer to a commit. */
const ENDED_BY_SERVER = new Set(["57P01", "57P02"]);

/** Whether the connection has ended with this error. */
export function endsConnection(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return LOST.has(String(error.code)) || ("severity" in error && ENDING.has(String(error.severity)));
}

/** Whether no connection could be made, or a connection was lost without a message of the server. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  return NOT_SENT.has(code) || LOST.has(code);
}

/** Adds a SQLSTATE to the error of a statement that wrote nothing, or whose writes are rolled back with its transaction. */
export function readError(error: unknown): unknown {
  return connectionError(error, "connection_failure");
}

/** Adds a SQLSTATE to the error of a commit, or of a write outside a transaction. After a lost connection its outcome is unknown. */
export function writeError(error: unknown): unknown {
  return connectionError(error, "transaction_resolution_unknown");
}

function connectionError(error: unknown, whenLost: "connection_failure" | "transaction_resolution_unknown"): unknown {
  const code = codeOf(error);
  if (NOT_SENT.has(code)) return driverError("sqlclient_unable_to_establish_sqlconnection", messageOf(error));
  const isLost = LOST.has(code) || ENDED_BY_SERVER.has(code);
  return isLost ? driverError(whenLost, messageOf(error)) : error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** Node's error has no message when a name has several addresses and none answers. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
