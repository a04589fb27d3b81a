import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import type { TestProject } from "vitest/node";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { FORMAT, POSTGRESQL_MAJOR } from "../../src/infrastructure/pglite/directory/format.ts";
import { SCHEMA_EXTENSIONS } from "./quire-engine.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/storage.ts";
import { oncePerRun } from "./once-per-run.ts";
import { rawClient } from "./raw-client.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A data directory with a migrated, empty PostgreSQL. Initialising one takes seconds; copying one is fast. */
    dataDirectoryTemplate: string;
  }
}

/** Creates the template, and returns the function that removes it. */
export async function provideTemplate(project: TestProject): Promise<() => Promise<void>> {
  const { directory, close } = await oncePerRun("pglite-template", makeTemplate);
  project.provide("dataDirectoryTemplate", directory);
  return close;
}

async function makeTemplate() {
  const directory = await mkdtemp(join(tmpdir(), "quire-template-"));
  const engine = await PGlite.create({ fs: new NodeFS(join(directory, "cluster")), extensions: SCHEMA_EXTENSIONS });
  (await migratedStorage(rawClient(engine), MIGRATIONS_FOLDER))._unsafeUnwrap();
  await engine.close();
  await writeFile(join(directory, "quire.json"), JSON.stringify({ format: FORMAT, postgresql: POSTGRESQL_MAJOR }));
  return { directory, close: async () => rm(directory, { recursive: true }) };
}
