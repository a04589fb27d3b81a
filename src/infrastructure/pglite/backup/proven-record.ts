import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { writeAtomically } from "../directory/atomic-write.ts";
import { PROVEN_BACKUP_FILE } from "../directory/layout.ts";

const ProvenBackup = z.object({ createdAt: z.iso.datetime(), location: z.string() });

/** The newest backup of a data directory that was proven. */
export type ProvenBackupRecord = Readonly<z.infer<typeof ProvenBackup>>;

/** Records it in the data directory, whose server shows its age. The backup is proven without the record too. */
export async function recordProven(directory: string, record: ProvenBackupRecord): Promise<void> {
  const write = writeAtomically(join(directory, PROVEN_BACKUP_FILE), async (file) =>
    file.writeFile(`${JSON.stringify(record)}\n`),
  );
  await write.catch(() => {});
}

/** The time of the newest proven backup of a data directory; `null` if none is recorded. */
export async function readProven(directory: string): Promise<Date | null> {
  try {
    const record = ProvenBackup.parse(JSON.parse(await readFile(join(directory, PROVEN_BACKUP_FILE), "utf8")));
    return new Date(record.createdAt);
  } catch {
    return null;
  }
}
