import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PGlite } from "@electric-sql/pglite";
import type { TestProject } from "vitest/node";
import { MIGRATIONS_FOLDER } from "../../src/composition.ts";
import { migratedStorage } from "../../src/infrastructure/pglite/pglite-storage.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** A file that holds a migrated, empty PostgreSQL: initialising one costs seconds, unpacking one a moment. */
    pgliteTemplate: string;
  }
}

export default async function setup(project: TestProject) {
  const directory = await mkdtemp(join(tmpdir(), "quire-template-"));
  const engine = await PGlite.create();
  (await migratedStorage(engine, MIGRATIONS_FOLDER))._unsafeUnwrap();
  const template = join(directory, "template.tar");
  await writeFile(template, new Uint8Array(await (await engine.dumpDataDir("none")).arrayBuffer()));
  await engine.close();
  project.provide("pgliteTemplate", template);
  return async () => rm(directory, { recursive: true });
}
