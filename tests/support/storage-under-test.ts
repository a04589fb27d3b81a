import type { StorageFailureReason } from "../../src/domain/shared/storage-failure.ts";
import type { Durability } from "../../src/application/ports/storage-probe.ts";
import type { Storage } from "../../src/application/ports/storage.ts";

export type TestStorage = Storage;

export interface TestStorageOptions {
  readonly accountQuotaBytes: number;
}

/** What one storage may do and another may not: one flag for each real difference. */
export interface StorageCapabilities {
  /** Whether a search finds a word in its other forms, which takes a dictionary of the language. */
  readonly stems: boolean;
  /**
   * Whether the failure of a statement ends the transaction, so that no later `ok` can keep what came before it. A store
   * whose refused steps write nothing has no transaction to spoil.
   */
  readonly abortsFailedTransactions: boolean;
  /** Whether a unit of work begins after the one before has ended, so that none loses a race to another. */
  readonly serialisesUnits: boolean;
  /** Whether a read outside a unit of work waits for its end. Otherwise it answers with what was there before the unit. */
  readonly blocksOuterReads: boolean;
  /** What the probe says of an acknowledged write, as the storage is opened for the tests. */
  readonly durability: Durability;
}

export interface OpenedStorage {
  /** The storage with nothing in it. It must remove what earlier tests wrote. */
  empty(): Promise<TestStorage>;
  /** Closes the storage and opens it again on what it has stored. Only a storage in memory has nothing to open again. */
  reopen?(): Promise<TestStorage>;
  /** Makes the store fail at every later write, for this reason. Only a storage without a store of its own cannot fail. */
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

/** Ends a title with the reason, where a storage need not hold what the tests of it say. */
export function skippedUnless(applies: boolean, reason: string): string {
  return applies ? "" : ` (skipped: ${reason})`;
}
