import { err, ok, type Result } from "neverthrow";
import { fail } from "../../domain/fail.ts";
import type { StorageFailure } from "../../domain/storage-failure.ts";
import type { VersionConflict } from "../../domain/version.ts";
import { attempt } from "./attempt.ts";
import type { Database } from "./database.ts";

interface GuardedWrite<NotFound, Refusal> {
  readonly operation: string;
  /** The write, which returns a row when the id and the expected version are there. */
  readonly write: () => Promise<readonly unknown[]>;
  /** Finds a row when the id alone is there. */
  readonly exists: () => Promise<readonly unknown[]>;
  readonly notFound: NotFound;
  readonly constraints?: Readonly<Record<string, Refusal>>;
}

/** Makes a write that is guarded by a version, and finds out why when it wrote nothing. */
export async function guardedWrite<NotFound, Refusal = never>(
  db: Database,
  { operation, write, exists, notFound, constraints = {} }: GuardedWrite<NotFound, Refusal>,
): Promise<Result<void, NotFound | Refusal | VersionConflict | StorageFailure>> {
  const written = await attempt(db, operation, write, constraints);
  if (written.isErr()) return err(written.error);
  if (written.value.length > 0) return ok();
  const found = await attempt(db, operation, exists);
  if (found.isErr()) return err(found.error);
  return found.value.length > 0 ? fail({ kind: "version_conflict" }) : err(notFound);
}
