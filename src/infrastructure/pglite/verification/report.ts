/** One check of a database, and what it has found. */
export interface CheckResult {
  readonly check: string;
  /**
   * - `ok`: as it must be.
   * - `note`: an operator should know it, but no data is wrong.
   * - `damaged`: data or an index is wrong.
   */
  readonly status: "ok" | "note" | "damaged";
  /** One sentence: what was compared, or what is wrong. */
  readonly detail: string;
  /** The first findings, one a line. */
  readonly findings: readonly string[];
  /** The remedy for an operator; `null` if there is none to take. */
  readonly remedy: string | null;
}

export interface VerificationReport {
  readonly directory: string;
  /** All writes before this position of the write-ahead log are verified; `null` if the files are too damaged for that. */
  readonly lsn: string | null;
  readonly checks: readonly CheckResult[];
}

/** The findings of a check that are shown. */
const MAX_FINDINGS = 20;

export function passed(check: string, detail: string): CheckResult {
  return { check, status: "ok", detail, findings: [], remedy: null };
}

export function noted(check: string, detail: string, remedy: string | null): CheckResult {
  return { check, status: "note", detail, findings: [], remedy };
}

export function damagedCheck(check: string, findings: readonly string[], remedy: string): CheckResult {
  const detail = `${findings.length.toLocaleString("en")} ${findings.length === 1 ? "fault" : "faults"}`;
  return { check, status: "damaged", detail, findings: findings.slice(0, MAX_FINDINGS), remedy };
}
