import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { inject } from "vitest";
import type { StorageProbe } from "../../src/application/ports/storage-probe.ts";
import type { Repositories, UnitOfWork } from "../../src/application/ports/unit-of-work.ts";
import { MIGRATIONS_FOLDER } from "../../src/composition.ts";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { openEmbeddedPostgres } from "../../src/infrastructure/pglite/embedded-postgres.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/pglite-storage.ts";
import { rememberedAccess } from "../../src/infrastructure/remembered-access.ts";
import { recordingLog } from "./fixtures.ts";

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
    const directory = await copyTemplate();
    // What is promised of the disk is tested elsewhere; without fsync these tests take a fifth of the time.
    const options = { ...embeddedDefaults, directory, durability: "relaxed" } as const;
    const postgres = (await openEmbeddedPostgres(options))._unsafeUnwrap();
    const storage = (await migratedStorage(postgres.client, MIGRATIONS_FOLDER))._unsafeUnwrap();
    const probe: StorageProbe = {
      check: async () => (await storage.schemaCheck()).andThen(() => postgres.condition()),
    };
    return {
      empty: async () => {
        await postgres.client.query("truncate users, posts, sessions");
        return { ...rememberedAccess(storage), probe };
      },
      close: async () => {
        (await postgres.close())._unsafeUnwrap();
        await rm(directory, { recursive: true });
      },
    };
  },
};

/** What a server on the embedded PostgreSQL is started with when nothing is configured, but for its log. */
export const embeddedDefaults = {
  durability: "fsync",
  freeSpaceBytes: 64 * 1_048_576,
  statementDeadlineMs: 30_000,
  log: recordingLog(),
} as const;

/** A data directory of its own with a migrated, empty PostgreSQL; the system's tool copies it fastest. */
export async function copyTemplate(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "quire-test-"));
  await promisify(execFile)("cp", ["-R", `${inject("dataDirectoryTemplate")}/.`, directory]);
  return directory;
}

/** PGlite as it is shipped on a migrated, empty PostgreSQL. */
export async function openTemplate(): Promise<PGlite> {
  return PGlite.create({ fs: new NodeFS(join(await copyTemplate(), "cluster")) });
}
