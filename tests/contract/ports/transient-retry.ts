import type { Result } from "neverthrow";
import { isStorageFailure, type StorageFailure } from "../../../src/domain/shared/storage-failure.ts";

const MAX_ATTEMPTS = 20;

type Refusal = { readonly kind: string } | StorageFailure;

/**
 * Repeats a call while it fails with a transient failure, as a caller may: a storage in which the first to commit wins
 * reports a lost race so.
 */
export async function withTransientRetry<T, E extends Refusal>(
  call: () => Promise<Result<T, E>>,
): Promise<Result<T, E>> {
  let outcome = await call();
  for (let attempts = 1; attempts < MAX_ATTEMPTS && isTransient(outcome); attempts++) outcome = await call();
  return outcome;
}

function isTransient(outcome: Result<unknown, Refusal>): boolean {
  return outcome.isErr() && isStorageFailure(outcome.error) && outcome.error.isTransient;
}
