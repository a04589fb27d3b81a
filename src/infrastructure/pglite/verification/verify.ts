import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { copyDatabase, type CopyDatabaseError, type CopyDatabaseOptions } from "../backup/copy-database.ts";
import { regularPauses } from "../backup/pause.ts";
import { inScratch, type ScratchDirectory } from "../backup/scratch-directory.ts";
import { queryOn, withScratchEngine, type Query } from "../backup/scratch-engine.ts";
import type { DataDirectoryDamaged, EngineNotStarted } from "../directory/cluster.ts";
import type { Damage } from "../directory/damage.ts";
import { checkPosts, checkUsage } from "./content-checks.ts";
import { checkFlush, checkFreeSpace } from "./disk-checks.ts";
import { damagedCheck, passed, type CheckResult, type VerificationReport } from "./report.ts";
import { checkSearchIndex } from "./search-index-check.ts";
import { checkConstraints, checkEveryIndex, checkTables } from "./structure-checks.ts";

/** The copy for the verification failed, or was cancelled. Nothing of it remains. */
export interface VerificationInterrupted {
  readonly kind: "verification_interrupted";
  readonly directory: string;
  readonly isCancelled: boolean;
  readonly cause: unknown;
}

export type VerifyError = Exclude<CopyDatabaseError, DataDirectoryDamaged> | EngineNotStarted | VerificationInterrupted;

export interface VerifyOptions extends CopyDatabaseOptions {
  /** Called before each check, with its number and that of all checks. */
  readonly onCheck: (check: string, number: number, total: number) => void;
  /** The text of a damage for people. */
  readonly describeDamage: (damage: Damage) => string;
}

/** The checks of the copy, in order. */
const CHECKS: readonly (readonly [name: string, run: (query: Query) => Promise<CheckResult>])[] = [
  ["tables", checkTables],
  ["indexes", checkEveryIndex],
  ["constraints", checkConstraints],
  ["posts", checkPosts],
  ["quotas", checkUsage],
  ["search index", checkSearchIndex],
];

/** The checks of the disk and the files come first. */
const TOTAL = CHECKS.length + 2;

/**
 * Verifies a data directory, whose server may be running. The files are copied as for a backup, and an engine of its own reads the
 * copy, so nothing of the database is written and no request waits.
 */
export async function verify(options: VerifyOptions): Promise<Result<VerificationReport, VerifyError>> {
  const { directory, signal } = options;
  try {
    return await inScratch(directory, async (scratch) => verifyIn(scratch, options));
  } catch (cause) {
    return fail({ kind: "verification_interrupted", directory, isCancelled: signal.aborted, cause });
  }
}

async function verifyIn(
  scratch: ScratchDirectory,
  options: VerifyOptions,
): Promise<Result<VerificationReport, VerifyError>> {
  const { directory, freeSpaceBytes, onCheck } = options;
  onCheck("disk", 1, TOTAL);
  const disk = [checkFreeSpace(directory, freeSpaceBytes), await checkFlush(scratch.path)];
  const copied = await copyDatabase(scratch, options);
  if (copied.isErr()) {
    if (copied.error.kind !== "data_directory_damaged") return err(copied.error);
    return ok({ directory, lsn: null, checks: [...disk, damagedFiles(copied.error.damage, options)] });
  }
  const { copy, lsn } = copied.value;
  const checked = await checkCopy(copy, options);
  return checked.map((checks) => ({ directory, lsn, checks: [...disk, ...checks] }));
}

const FILES = "files";
const RESTORE =
  "Keep the directory as it is, and restore a proven backup: quire restore --from <backup> --to <new directory>.";

async function checkCopy(
  copy: string,
  options: VerifyOptions,
): Promise<Result<readonly CheckResult[], EngineNotStarted>> {
  const { signal, onCheck } = options;
  onCheck(FILES, 2, TOTAL);
  const checked = await withScratchEngine(copy, signal, async (engine) => {
    const query = queryOn(engine, regularPauses(signal));
    const results = [passed(FILES, "the control file, the write-ahead log and the sizes of all files agree")];
    await query("create extension amcheck");
    for (const [index, [name, run]] of CHECKS.entries()) {
      onCheck(name, index + 3, TOTAL);
      results.push(await run(query));
    }
    return ok(results);
  });
  if (checked.isOk()) return ok(checked.value);
  const { error } = checked;
  if (error.kind === "engine_not_started") return err(error);
  return ok([damagedFiles(error.damage, options)]);
}

function damagedFiles(damage: Damage, { describeDamage }: VerifyOptions): CheckResult {
  return damagedCheck(FILES, [describeDamage(damage)], RESTORE);
}
