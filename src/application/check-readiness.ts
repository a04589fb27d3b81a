import type { Result } from "neverthrow";
import type { StorageFailure } from "../domain/storage-failure.ts";
import type { SchemaOutdated, StorageProbe } from "./ports/storage-probe.ts";

export type CheckReadinessError = SchemaOutdated | StorageFailure;

/** Whether requests can be served now. */
export function checkReadiness({ probe }: { readonly probe: StorageProbe }) {
  return async (): Promise<Result<void, CheckReadinessError>> => probe.check();
}
