import { driverError } from "../../sql/driver-error.ts";

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
/** PostgreSQL 18, 54.8: how bad it is, in English whatever the server speaks. */
const ENDING = new Set(["FATAL", "PANIC"]);
/** The server ends the connection: an error that it may also give after a commit, in the place of its answer. */
const ENDED_BY_SERVER = new Set(["57P01", "57P02"]);

/** Whether an error is the last that comes on its connection. */
export function endsConnection(error: unknown): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  return LOST.has(String(error.code)) || ("severity" in error && ENDING.has(String(error.severity)));
}

/** Whether an error says that no connection could be made, or that one was lost: not by the server's own words. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error);
  return NOT_SENT.has(code) || LOST.has(code);
}

/** The error of a statement that writes nothing, or whose writes are undone with its transaction, in PostgreSQL's terms. */
export function readError(error: unknown): unknown {
  return connectionError(error, "connection_failure");
}

/** The error of a write of its own, or of a commit: where the connection was lost nobody knows whether it was done. */
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

/** Where a name has several addresses and none answers, Node's error has no message of its own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message === "" && "code" in error ? String(error.code) : error.message;
}
