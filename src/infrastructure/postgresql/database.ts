import { drizzle } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import type { Database } from "../drizzle/database.ts";
import type { ServerClient } from "./client/client.ts";

export function databaseOn(client: ServerClient): Database {
  // Drizzle's types ask for all of postgres.js; its session uses only what ServerClient has.
  return drizzle({ client: client as unknown as postgres.Sql });
}
