import type { DrizzleClient } from "./client.ts";

/**
 * The age of a table, in transactions, at which its rows are frozen. After two billion transactions PostgreSQL would take rows that
 * are not frozen for rows of the future, and they would disappear (PostgreSQL 18, 24.1.5). A server freezes them by autovacuum, and
 * refuses writes before that limit. PostgreSQL without a server process, as in PGlite, does neither.
 */
const MAX_AGE = 500_000_000;

const TABLES = `select oid::regclass::text as "table" from pg_class
  where relkind in ('r', 'm', 't') and relpersistence <> 't' and age(relfrozenxid) > $1::int order by age(relfrozenxid) desc`;

/** The tables to freeze, those of PostgreSQL itself too, the oldest first. */
export async function tablesToFreeze(client: DrizzleClient, maxAge = MAX_AGE): Promise<readonly string[]> {
  const { rows } = await client.query<{ readonly table: string }>(TABLES, [maxAge]);
  return rows.map(({ table }) => table);
}
