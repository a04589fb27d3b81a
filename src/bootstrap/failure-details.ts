import { FORMAT, POSTGRESQL_MAJOR, type DataDirectoryIncompatible } from "../infrastructure/pglite/directory/format.ts";
import { OLD_RELEASES } from "../infrastructure/pglite/upgrade/old-releases.ts";
import { ACKNOWLEDGED_FILE } from "../infrastructure/pglite/directory/layout.ts";
import type { Damage } from "../infrastructure/pglite/directory/damage.ts";

const MIB = 1_048_576;

export function describeAmount(amount: number, resource: "bytes" | "inodes"): string {
  return resource === "bytes" ? `${Math.floor(amount / MIB)} MiB` : `${amount} inodes`;
}

export function describeDamage(damage: Damage): string {
  switch (damage.kind) {
    case "missing":
      return `${damage.path} is missing`;
    case "truncated":
      return `${damage.path} has ${damage.bytes} bytes and had ${damage.expectedBytes} at the last checkpoint`;
    case "unreadable":
      return `${damage.path} cannot be read or has invalid contents`;
    case "log_ends_early":
      return `the write-ahead log is readable up to ${damage.endsAt}, but acknowledged writes reach up to ${damage.neededUntil}: the writes between the two are lost`;
    case "index_damaged":
      return `the index ${damage.index} does not match its table (${damage.detail})`;
  }
}

/** Which program reads a data directory that this one does not read, or how to upgrade the directory. */
export function describeIncompatible({ directory, format, postgresql }: DataDirectoryIncompatible): string {
  const is = `The data directory ${directory} has format ${format} with PostgreSQL ${postgresql}, and this version of Quire reads format ${FORMAT} with PostgreSQL ${POSTGRESQL_MAJOR}. Nothing was written to it.`;
  if (format === FORMAT && OLD_RELEASES.has(postgresql))
    return `${is} Upgrade it with: quire upgrade (docs/upgrading.md)`;
  return format > FORMAT || postgresql > POSTGRESQL_MAJOR
    ? `${is} Run a newer version of Quire, with PostgreSQL ${postgresql}.`
    : `${is} Run the version of Quire that created it.`;
}

/** The last resort of an operator without a backup. The message before it names the lost writes. */
export function damageRemedy({ kind }: Damage): string {
  return kind === "log_ends_early"
    ? ` If there is no backup: remove ${ACKNOWLEDGED_FILE} from the directory to start without the lost writes.`
    : "";
}

/** The beginning of a line of PostgreSQL's log that does not continue the line before. */
const SEVERITY =
  /\b(?:DEBUG\d?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT|LOCATION|STATEMENT|QUERY): /;

/** The last lines of PostgreSQL's log, without the statements, which may hold private data. */
export function lastLogLines(failure: object): string {
  const lines = "lastLines" in failure ? (failure.lastLines as readonly string[]) : [];
  let isStatement = false;
  const shown = lines.filter((line) => {
    if (SEVERITY.test(line)) isStatement = /\b(?:STATEMENT|QUERY): /.test(line);
    return !isStatement;
  });
  return shown.length === 0 ? "" : `\nIts last log lines:\n${shown.map((line) => `  ${line}`).join("\n")}`;
}

/** The location in the program's own code where an error was thrown, for a bug report; empty if it is not known. */
export function describeCodeLocation(cause: unknown): string {
  const [, location] = (cause instanceof Error && /\bat ([^\n]*\/(?:dist|src)\/[^\n]*)/.exec(cause.stack ?? "")) || [];
  return location === undefined ? "" : ` (at ${location.replace(/(?:file:\/\/)?\/[^\s(]*\/(?=(?:dist|src)\/)/, "")})`;
}

/** Whether the operating system refused an operation. Node gives such an error a number. */
export function isSystemError(cause: unknown): boolean {
  return cause instanceof Error && "errno" in cause && "syscall" in cause;
}

/** The error of Deno that a missing permission has caused, by itself or below an error of a package; otherwise `null`. */
export function missingPermission(cause: unknown): Error | null {
  for (const error of [cause, cause instanceof Error ? cause.cause : null])
    if (error instanceof Error && error.name === "NotCapable") return error;
  return null;
}
