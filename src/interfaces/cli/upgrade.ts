import { err, ok, type Result } from "neverthrow";
import { byteProgress, type ByteProgress } from "./byte-progress.ts";
import { moveProgress, type MoveProgress } from "./move-progress.ts";
import { tableLines, type ComparedTable } from "./table-lines.ts";
import type { Terminal } from "./terminal.ts";

/** A data directory that has the PostgreSQL of this program. */
export interface UpgradedDirectory {
  readonly directory: string;
  readonly postgresql: number;
  /** The version of PostgreSQL from before; `null` if the old database was not read. */
  readonly from: number | null;
  /** The directory that keeps the old database; `null` if no upgrade was needed. */
  readonly kept: string | null;
  readonly tables: readonly ComparedTable[];
}

export interface UpgradeDependencies<Failure> {
  readonly terminal: Terminal;
  /**
   * Moves the configured data directory to the PostgreSQL of this program.
   *
   * @param pglite A directory with the older PGlite; by default it is installed with npm.
   */
  readonly upgradeDatabase: (
    options: { readonly pglite?: string },
    onProgress: (progress: ByteProgress | ({ readonly step: "load" } & MoveProgress)) => void,
  ) => Promise<Result<UpgradedDirectory, Failure>>;
}

export async function upgrade<Failure>(
  { terminal, upgradeDatabase }: UpgradeDependencies<Failure>,
  { pglite, json }: { readonly pglite?: string; readonly json: boolean },
): Promise<Result<void, Failure>> {
  const steps = byteProgress(terminal.progress);
  const rows = moveProgress(terminal.progress);
  const options = pglite === undefined ? {} : { pglite };
  const done = await upgradeDatabase(options, (progress) =>
    progress.step === "load" ? rows.show(progress) : steps.show(progress),
  );
  steps.end();
  if (done.isErr()) return err(done.error);
  for (const line of json ? [JSON.stringify(done.value)] : linesOf(done.value)) terminal.print(line);
  return ok();
}

function linesOf({ directory, postgresql, from, kept, tables }: UpgradedDirectory): readonly string[] {
  if (kept === null) return [`${directory} has PostgreSQL ${postgresql} and needs no upgrade.`];
  const event =
    from === null
      ? [`Completed an interrupted upgrade of ${directory} to PostgreSQL ${postgresql}.`]
      : [
          `Upgraded ${directory} from PostgreSQL ${from} to ${postgresql}. The rows of both are identical:`,
          ...tableLines(tables),
        ];
  return [...event, `The old database is kept in ${kept}. Delete it when you do not need it any more.`];
}
