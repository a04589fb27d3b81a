import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { createDatabase, databaseUrl } from "../../support/test-storage.ts";
import { commandLineContract } from "./command-line.contract.ts";

const directory = await mkdtemp(join(tmpdir(), "quire-commands-"));
afterAll(async () => rm(directory, { recursive: true }));

commandLineContract("a data directory", async () => {
  const location = join(directory, "data");
  return { environment: { QUIRE_DATA_DIR: location }, location };
});

commandLineContract("a PostgreSQL server", async () => {
  const url = databaseUrl(await createDatabase());
  const { host, pathname } = new URL(url);
  return { environment: { DATABASE_URL: url }, location: `postgres://${host}${pathname}` };
});
