import type { Result } from "neverthrow";
import type { StorageFailure } from "../domain/shared/storage-failure.ts";
import type { SchemaOutdated, StorageProbe, StorageStatus } from "./ports/storage-probe.ts";

export type CheckReadinessError = SchemaOutdated | StorageFailure;

/** Checks that requests can be served now. Returns whether writes are possible, and how durable they are. */
export function checkReadiness({ probe }: { readonly probe: StorageProbe }) {
  return async (): Promise<Result<StorageStatus, CheckReadinessError>> => probe.check();
}
