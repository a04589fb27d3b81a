import { err, ok, type Result } from "neverthrow";
import { byteProgress, type ByteProgress, type CheckProgress } from "./byte-progress.ts";
import type { Terminal } from "./terminal.ts";

export interface Check {
  readonly check: string;
  readonly status: "ok" | "note" | "damaged";
  readonly detail: string;
  readonly findings: readonly string[];
  readonly remedy: string | null;
}

export interface Verification {
  readonly directory: string;
  readonly lsn: string | null;
  readonly checks: readonly Check[];
}

/** At least one check has found damage, which the command has printed. */
export interface DamageFound {
  readonly kind: "damage_found";
  readonly directory: string;
  readonly checks: readonly string[];
}

export interface VerifyDependencies<Failure> {
  readonly terminal: Terminal;
  /** Verifies the configured data directory, and changes nothing. */
  readonly verifyDatabase: (
    onProgress: (progress: ByteProgress | CheckProgress) => void,
  ) => Promise<Result<Verification, Failure>>;
}

const LABELS = { ok: "ok", note: "NOTE", damaged: "DAMAGED" } as const;
const LABEL_WIDTH = 8;

export async function verify<Failure>(
  { terminal, verifyDatabase }: VerifyDependencies<Failure>,
  { json }: { readonly json: boolean },
): Promise<Result<void, Failure | DamageFound>> {
  const progress = byteProgress(terminal.progress);
  const verified = await verifyDatabase(progress.show);
  progress.end();
  if (verified.isErr()) return err(verified.error);
  const { directory, lsn, checks } = verified.value;
  const damaged = checks.filter(({ status }) => status === "damaged").map(({ check }) => check);
  if (json) terminal.print(JSON.stringify({ ...verified.value, isDamaged: damaged.length > 0 }));
  else {
    terminal.print(lsn === null ? `Verified ${directory}.` : `Verified ${directory}: all writes before ${lsn}.`);
    for (const line of checks.flatMap(linesOf)) terminal.print(line);
  }
  return damaged.length === 0 ? ok() : err({ kind: "damage_found", directory, checks: damaged });
}

function linesOf({ check, status, detail, findings, remedy }: Check): readonly string[] {
  return [
    `${LABELS[status].padEnd(LABEL_WIDTH)} ${check}: ${detail}`,
    ...findings.map((finding) => `${" ".repeat(LABEL_WIDTH)}   ${finding}`),
    ...(remedy === null ? [] : [`${" ".repeat(LABEL_WIDTH)} ${remedy}`]),
  ];
}
