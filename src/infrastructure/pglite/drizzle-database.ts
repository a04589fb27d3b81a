import type { PGlite } from "@electric-sql/pglite";
import type { DrizzleConfig } from "drizzle-orm";
import { drizzle, type PgliteDatabase } from "drizzle-orm/pglite";
import type { DrizzleClient } from "./client/client.ts";

/** Drizzle on a client of the engine. */
export function databaseOn<Schema extends Record<string, unknown> = Record<string, never>>(
  client: DrizzleClient,
  config: DrizzleConfig<Schema> = {},
): PgliteDatabase<Schema> {
  // Drizzle expects the type of all of PGlite, a class with private members. Its session uses only the methods of DrizzleClient.
  return drizzle({ ...config, client: client as unknown as PGlite });
}
