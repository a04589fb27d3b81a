import { err, ok, type Result } from "neverthrow";
import { fail } from "../../domain/shared/fail.ts";
import type { StorageFailure } from "../../domain/shared/storage-failure.ts";
import type { Version, VersionConflict } from "../../domain/shared/version.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";

interface GuardedWrite<NotFound, Refusal, Unwritten> {
  readonly operation: string;
  /** The write. It returns a row when the id exists at the expected version. */
  readonly write: () => Promise<readonly unknown[]>;
  /** Finds the stored version of the id. */
  readonly exists: () => Promise<readonly { readonly version: Version }[]>;
  readonly notFound: NotFound;
  readonly constraints?: Readonly<Record<string, Refusal>>;
  /** The failure when the write changed nothing although the row is at the expected version. */
  readonly refusal?: { readonly expected: Version; readonly failure: Unwritten };
}

/** Runs a write with optimistic concurrency control, and finds the reason when it changed nothing. */
export async function guardedWrite<NotFound, Refusal = never, Unwritten = never>(
  db: Database,
  { operation, write, exists, notFound, constraints = {}, refusal }: GuardedWrite<NotFound, Refusal, Unwritten>,
): Promise<Result<void, NotFound | Refusal | Unwritten | VersionConflict | StorageFailure>> {
  const written = await attempt(db, operation, write, constraints);
  if (written.isErr()) return err(written.error);
  if (written.value.length > 0) return ok();
  const found = await attempt(db, operation, exists);
  if (found.isErr()) return err(found.error);
  const [stored] = found.value;
  if (stored === undefined) return err(notFound);
  return stored.version === refusal?.expected ? err(refusal.failure) : fail({ kind: "version_conflict" });
}
