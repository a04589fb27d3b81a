import type { PGlite } from "@electric-sql/pglite";
import type { DrizzleClient } from "../../src/infrastructure/pglite/client/client.ts";

/** PGlite as it is shipped, where a test needs PostgreSQL and none of what keeps it alive. */
export function rawClient(engine: PGlite): DrizzleClient {
  return engine as unknown as DrizzleClient;
}
