import { requireOfContenders } from "./contender-packages.ts";
import { startPostgresServer } from "../tests/support/postgres-server.ts";
import type { Query } from "./data-set.ts";

interface PgPool {
  query: Query;
  end(): Promise<void>;
}

/** The databases of a PostgreSQL server. */
export interface Databases {
  urlOf(name: string): string;
  /** Creates a database and fills it. */
  create(name: string, fill: (query: Query, url: string) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL with its default settings, so each commit is flushed. */
export async function startDatabases(): Promise<Databases> {
  const { Pool } = requireOfContenders("pg") as { Pool: new (options: object) => PgPool };
  const server = await startPostgresServer();
  const urlOf = (name: string) => `${server.url}/${name}`;
  const on = async (connectionString: string, work: (query: Query) => Promise<unknown>) => {
    const pool = new Pool({ connectionString, max: 1 });
    try {
      await work(async (text, values = []) => pool.query(text, values));
    } finally {
      await pool.end();
    }
  };
  return {
    urlOf,
    create: async (name, fill) => {
      await on(urlOf("postgres"), async (query) => query(`create database ${name}`));
      await on(urlOf(name), async (query) => fill(query, urlOf(name)));
    },
    stop: async () => server.stop(),
  };
}
