import type { StorageFailureReason } from "../domain/shared/storage-failure.ts";
import type { Durability } from "../application/ports/storage-probe.ts";
import type { Storage } from "../application/ports/storage.ts";

export interface TestStorageOptions {
  readonly accountQuotaBytes: number;
}

/** The capabilities of a storage: one flag for each real difference between storages. */
export interface StorageCapabilities {
  /**
   * Whether the failure of a statement aborts the transaction, so that no later `ok` can keep earlier writes. In a
   * store whose refused steps write nothing, there is no transaction to abort.
   */
  readonly abortsFailedTransactions: boolean;
  /** Whether units of work run one after the other, so that none loses a race to another. */
  readonly serialisesUnits: boolean;
  /** Whether a read outside a unit of work waits for its end. Otherwise it returns the state before the unit. */
  readonly blocksOuterReads: boolean;
  /** The durability that the probe reports for an acknowledged write, with the settings of the tests. */
  readonly durability: Durability;
}

export interface OpenedStorage {
  /** The empty storage. It must remove the rows of earlier tests. */
  empty(): Promise<Storage>;
  /** Closes the storage and opens it again on its stored data. A storage in memory has nothing to reopen. */
  reopen?(): Promise<Storage>;
  /** Makes every later write fail with this reason. A storage in memory cannot fail. */
  failWrites?(reason: Exclude<StorageFailureReason, "cancelled">): Promise<void>;
  close(): Promise<void>;
}

/** An adapter of the storage ports that the contracts can run on. */
export interface StorageUnderTest {
  readonly name: string;
  readonly capabilities: StorageCapabilities;
  /** Opens it once for a suite, without a quota unless `options` names one. */
  open(options?: TestStorageOptions): Promise<OpenedStorage>;
}

/** Appends the reason to a title, if the tests below it do not apply to a storage. */
export function skippedUnless(applies: boolean, reason: string): string {
  return applies ? "" : ` (skipped: ${reason})`;
}
