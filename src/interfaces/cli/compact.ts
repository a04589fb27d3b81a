import { err, ok, type Result } from "neverthrow";
import { progressBar } from "./progress-bar.ts";
import type { Terminal } from "./terminal.ts";

export interface CompactDependencies<Failure> {
  readonly terminal: Terminal;
  /** Writes all tables of the configured data directory anew, without free space. */
  readonly compactDatabase: (
    onProgress: (progress: { readonly table: string; readonly done: number; readonly total: number }) => void,
  ) => Promise<
    Result<{ readonly directory: string; readonly bytesBefore: number; readonly bytesAfter: number }, Failure>
  >;
}

const MIB = 1_048_576;

export async function compact<Failure>(
  { terminal, compactDatabase }: CompactDependencies<Failure>,
  { json }: { readonly json: boolean },
): Promise<Result<void, Failure>> {
  const { progress } = terminal;
  const compacted = await compactDatabase(({ table, done, total }) => {
    const text = `compacting table ${done + 1} of ${total}: ${table}`;
    progress.write(progress.isTTY ? `\r${progressBar(done / total)} ${text}\u001B[K` : `${text}\n`);
  });
  if (progress.isTTY) progress.write("\r\u001B[K");
  if (compacted.isErr()) return err(compacted.error);
  const { directory, bytesBefore, bytesAfter } = compacted.value;
  terminal.print(
    json
      ? JSON.stringify(compacted.value)
      : `Compacted ${directory}: its tables take ${mib(bytesAfter)}, and took ${mib(bytesBefore)}.`,
  );
  return ok();
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toLocaleString("en", { maximumFractionDigits: 1 })} MiB`;
}
