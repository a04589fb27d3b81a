import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** A PostgreSQL that Drizzle speaks to, whatever the driver: the embedded engine, a server, or a transaction on one. */
export type Database = PgDatabase<PgQueryResultHKT>;
