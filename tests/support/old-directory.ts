import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PGlite } from "@electric-sql/pglite";
import { MIGRATIONS_FOLDER } from "../../src/bootstrap/open-storage.ts";
import { readMigrations } from "../../src/infrastructure/drizzle/read-migrations.ts";
import type { DrizzleClient } from "../../src/infrastructure/pglite/client/client.ts";
import { databaseOn } from "../../src/infrastructure/pglite/drizzle-database.ts";
import { applyMigrations } from "../../src/infrastructure/pglite/migrate.ts";
import { loadExtensions } from "../../src/infrastructure/pglite/engine/load-extensions.ts";
import { rawClient } from "./raw-client.ts";

export interface OldPostgres {
  readonly major: number;
  /** The directory of the package, for `quire upgrade --pglite`. */
  readonly pglite: string;
  /** The module of the package. */
  readonly module: string;
  /** The database that the releases of this PGlite use by default. */
  readonly database: "postgres" | "template1";
  readonly extensions: Readonly<Record<string, string>>;
  /** The number of migrations that it can run. */
  readonly migrations: number;
}

const packageOf = (name: string) => ({
  pglite: fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url)),
  module: new URL(`../../node_modules/${name}/dist/index.js`, import.meta.url).href,
});

export const POSTGRESQL_17: OldPostgres = {
  major: 17,
  ...packageOf("pglite-postgresql-17"),
  database: "postgres",
  extensions: {
    pg_trgm: "pglite-postgresql-17/contrib/pg_trgm",
    unaccent: "pglite-postgresql-17/contrib/unaccent",
  },
  migrations: Infinity,
};

/** Its PGlite has no extension `unaccent`, which the fifth migration needs. */
export const POSTGRESQL_16: OldPostgres = {
  major: 16,
  ...packageOf("pglite-postgresql-16"),
  database: "template1",
  extensions: {},
  migrations: 4,
};

type Work = (client: DrizzleClient) => Promise<void>;

/** Creates a data directory with an older PostgreSQL, and leaves it as a clean shutdown or a kill does. */
export async function makeOldDirectory(
  postgres: OldPostgres,
  fill: Work,
  end: "shutdown" | "kill" = "shutdown",
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "quire-old-"));
  const cluster = join(directory, "cluster");
  const killed = `${cluster}.killed`;
  await mkdir(cluster);
  await openOldDirectory(postgres, directory, async (client) => {
    const shipped = (await readMigrations(MIGRATIONS_FOLDER))._unsafeUnwrap();
    await applyMigrations(databaseOn(client), shipped.slice(0, postgres.migrations));
    await fill(client);
    if (end === "kill") await cp(cluster, killed, { recursive: true });
  });
  if (end === "kill") {
    await rm(cluster, { recursive: true });
    await rename(killed, cluster);
  }
  const format = { format: 1, postgresql: postgres.major };
  await writeFile(join(directory, "quire.json"), `${JSON.stringify(format)}\n`);
  return directory;
}

/** Opens a data directory with its older PostgreSQL, and shuts it down cleanly after the work. */
export async function openOldDirectory(
  { module, database, extensions }: OldPostgres,
  directory: string,
  work: Work,
): Promise<void> {
  const old = (await import(module)) as { readonly PGlite: typeof PGlite };
  const loaded = await loadExtensions(extensions);
  const engine = await old.PGlite.create({ dataDir: join(directory, "cluster"), database, extensions: loaded });
  await work(rawClient(engine));
  await engine.close();
}

/** The digest of each file of a directory, by its path. The lock file, which names a process, is left out. */
export async function filesOf(directory: string): Promise<Readonly<Record<string, string>>> {
  const files: Record<string, string> = {};
  for (const path of await readdir(directory, { recursive: true })) {
    const file = join(directory, path);
    if (path === "quire.lock" || (await stat(file)).isDirectory()) continue;
    files[path] = createHash("sha256")
      .update(await readFile(file))
      .digest("hex");
  }
  return files;
}
