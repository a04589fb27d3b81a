import type { Result } from "neverthrow";
import type { StorageFailure } from "../domain/shared/storage-failure.ts";
import type { SchemaOutdated, StorageProbe, StorageStatus } from "./ports/storage-probe.ts";

export type CheckReadinessError = SchemaOutdated | StorageFailure;

/** Whether requests can be served now, and what is promised of those that write. */
export function checkReadiness({ probe }: { readonly probe: StorageProbe }) {
  return async (): Promise<Result<StorageStatus, CheckReadinessError>> => probe.check();
}
