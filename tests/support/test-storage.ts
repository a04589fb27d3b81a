import { readFile } from "node:fs/promises";
import { PGlite } from "@electric-sql/pglite";
import { inject } from "vitest";
import type { StorageProbe } from "../../src/application/ports/storage-probe.ts";
import type { Repositories, UnitOfWork } from "../../src/application/ports/unit-of-work.ts";
import { MIGRATIONS_FOLDER } from "../../src/composition.ts";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/pglite-storage.ts";

export interface TestStorage extends Repositories {
  readonly unitOfWork: UnitOfWork;
  readonly probe: StorageProbe;
}

/** An adapter of every port that a contract can be run on. */
export interface StorageUnderTest {
  readonly name: string;
  /** Opens it once for a suite. */
  open(): Promise<{
    /** The storage, with nothing in it: what the test before wrote is gone. */
    empty(): Promise<TestStorage>;
    close(): Promise<void>;
  }>;
}

export const memory: StorageUnderTest = {
  name: "memory",
  open: async () => ({ empty: async () => openMemoryStorage(), close: async () => {} }),
};

export const pglite: StorageUnderTest = {
  name: "PGlite",
  open: async () => {
    const engine = await openTemplate();
    const storage = (await migratedStorage(engine, MIGRATIONS_FOLDER))._unsafeUnwrap();
    const empty = async () => {
      await engine.exec("truncate users, posts, sessions");
      return storage;
    };
    return { empty, close: async () => engine.close() };
  },
};

/** A migrated, empty PostgreSQL in memory. */
export async function openTemplate(): Promise<PGlite> {
  return PGlite.create({ loadDataDir: new Blob([await readFile(inject("pgliteTemplate"))]) });
}
