import { afterAll, beforeAll } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import type { OpenedStorage, StorageUnderTest, TestStorageOptions } from "./storage-under-test.ts";

/** Opens a storage before the tests of a suite and closes it after them. Returns the function that empties it. */
export function openedStorage(adapter: StorageUnderTest, options?: TestStorageOptions): () => Promise<Storage> {
  let opened: OpenedStorage;
  beforeAll(async () => {
    opened = await adapter.open(options);
  });
  afterAll(async () => opened.close());
  return async () => opened.empty();
}

/**
 * The same adapter, but all suites of a file that pass no options share one opened storage. To start an engine takes
 * longer than most suites. A suite that makes its storage unusable opens the adapter itself.
 */
export function openedOnce(adapter: StorageUnderTest): StorageUnderTest {
  let shared: Promise<OpenedStorage> | null = null;
  afterAll(async () => (await shared)?.close());
  return {
    ...adapter,
    open: async (options) => {
      if (options !== undefined) return adapter.open(options);
      shared ??= adapter.open();
      return { ...(await shared), close: async () => {} };
    },
  };
}
