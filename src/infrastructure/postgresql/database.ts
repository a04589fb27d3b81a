import { drizzle } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import type { Database } from "../drizzle/database.ts";
import type { ServerClient } from "./client/client.ts";

export function databaseOn(client: ServerClient): Database {
  // The types of Drizzle require the whole interface of postgres.js, but its session uses only the methods of ServerClient.
  return drizzle({ client: client as unknown as postgres.Sql });
}
