import { describeErrno } from "../pglite/engine/describe-thrown.ts";
import { visibleText } from "./visible-text.ts";

/** The causes of an error form a chain that may be long or circular. */
const MAX_CAUSES = 8;
const MAX_DESCRIPTION_LENGTH = 500;
const NO_REASON = "no reason was given";

/**
 * Describes a thrown value or a cause in one line. The line is never empty, and has no stack, SQL, passwords of URLs or
 * control characters of a terminal.
 */
export function describeError(thrown: unknown): string {
  const text = withoutPasswords(reasonOf(thrown) ?? "")
    .replaceAll(/\s+/g, " ")
    .trim()
    .replace(/\.$/, "");
  const bounded = text.length > MAX_DESCRIPTION_LENGTH ? `${text.slice(0, MAX_DESCRIPTION_LENGTH)}…` : text;
  return bounded === "" ? NO_REASON : visibleText(bounded);
}

/**
 * Removes the user and the password of URLs from a text, even if the password contains an unescaped `@`. The example
 * `user:password@` of our own messages stays.
 */
export function withoutPasswords(text: string): string {
  return text.replaceAll(/(\b[a-z][a-z\d+.-]*:\/\/)(?!user:password@)[^\s"'`]*@/gi, "$1…@");
}

function reasonOf(thrown: unknown): string | null {
  let error = thrown;
  for (let depth = 0; depth < MAX_CAUSES; depth++) {
    if (typeof error === "string" || typeof error === "number") return String(error);
    if (typeof error !== "object" || error === null) return null;
    const message = ownReason(error);
    if (message !== null) return message;
    if (!("cause" in error)) return null;
    error = error.cause;
  }
  return null;
}

/** The beginning of Drizzle's errors. The statement and its values follow; the cause is the error of the driver. */
const STATEMENT = /^Failed query:/;
/** The whole message of Node's fetch without a connection. The cause is the error of the network. */
const FETCH_FAILED = "fetch failed";

/** The reason in the error itself, without its causes. */
function ownReason(error: object): string | null {
  if (error instanceof AggregateError && error.message === "") return joinedReasons(error.errors);
  const { message, detail, code, errno, kind } = error as Readonly<Record<string, unknown>>;
  if (typeof message === "string" && STATEMENT.test(message)) return null;
  if (message === FETCH_FAILED && "cause" in error) return null;
  if (typeof message === "string" && message !== "") return message;
  if (typeof errno === "number") return describeErrno(errno);
  return [detail, code, kind].find((part): part is string => typeof part === "string" && part !== "") ?? null;
}

/** The reasons of all attempts, such as those by IPv6 and by IPv4. */
function joinedReasons(errors: readonly unknown[]): string | null {
  const reasons = errors.slice(0, MAX_CAUSES).flatMap((each) => (each instanceof Error ? [each.message] : []));
  return reasons.length === 0 ? null : [...new Set(reasons)].join("; ");
}
