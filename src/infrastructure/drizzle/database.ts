import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

/** A PostgreSQL for Drizzle, with any driver: the embedded engine, a server, or a transaction on one of them. */
export type Database = PgDatabase<PgQueryResultHKT>;
