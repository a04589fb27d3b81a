import { rm } from "node:fs/promises";
import { openEmbeddedDatabase } from "../../../src/infrastructure/pglite/embedded-database.ts";
import { databaseOn as databaseOnEngine } from "../../../src/infrastructure/pglite/drizzle-database.ts";
import { databaseOn as databaseOnServer } from "../../../src/infrastructure/postgresql/database.ts";
import { serverClient } from "../../../src/infrastructure/postgresql/client/client.ts";
import { copyTemplate, createDatabase, embeddedDefaults, serverDefaults } from "../../support/test-storage.ts";
import { databaseClientContract } from "./database-client.contract.ts";

databaseClientContract({
  name: "the embedded engine",
  whySessionsStay: "a session of the engine ends only with its thread, which engine-client.test.ts tests",
  open: async () => {
    const directory = await copyTemplate();
    const options = { ...embeddedDefaults, directory, durability: "relaxed" } as const;
    const { client, close } = (await openEmbeddedDatabase(options))._unsafeUnwrap();
    return {
      db: databaseOnEngine(client),
      close: async () => {
        await close();
        await rm(directory, { recursive: true });
      },
    };
  },
});

databaseClientContract({
  name: "a server",
  whySessionsStay: null,
  open: async () => {
    const client = serverClient({ ...serverDefaults, server: await createDatabase() });
    return { db: databaseOnServer(client), close: async () => client.end(1000) };
  },
});
