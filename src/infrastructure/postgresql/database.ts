import { drizzle } from "drizzle-orm/postgres-js";
import type postgres from "postgres";
import type { Database } from "../drizzle/database.ts";
import { serverClient, type ServerClient, type ServerOptions } from "./client/client.ts";

export function databaseOn(client: ServerClient): Database {
  // The types of Drizzle require the whole interface of postgres.js, but its session uses only the methods of ServerClient.
  return drizzle({ client: client as unknown as postgres.Sql });
}

/** Runs something on connections of its own, which it closes. */
export async function withDatabase<T>(options: ServerOptions, use: (db: Database) => Promise<T>): Promise<T> {
  const client = serverClient(options);
  try {
    return await use(databaseOn(client));
  } finally {
    await client.end(0);
  }
}
