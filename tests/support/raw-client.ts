import type { PGlite } from "@electric-sql/pglite";
import type { DrizzleClient } from "../../src/infrastructure/pglite/client/client.ts";

/** PGlite as shipped, for tests that need PostgreSQL without the supervision of its engine. */
export function rawClient(engine: PGlite): DrizzleClient {
  return engine as unknown as DrizzleClient;
}
