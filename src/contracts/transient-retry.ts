import type { Result } from "neverthrow";
import { isStorageFailure, type StorageFailure } from "../domain/shared/storage-failure.ts";

const MAX_ATTEMPTS = 20;

type Refusal = { readonly kind: string } | StorageFailure;

/**
 * Retries a call after a transient failure, as callers may. A storage in which the first commit wins reports a lost race
 * as a transient failure.
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
