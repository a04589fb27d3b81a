import type postgres from "postgres";
import { driverError } from "../../sql/driver-error.ts";

export interface RenewedPool {
  /** The options of the first pool. A later pool gets a copy of their current parsers and serializers. */
  readonly options: postgres.Sql["options"];
  /** Runs `work` on the pool. It calls `renew` when it has lost a connection. */
  use<T>(work: (sql: postgres.Sql, renew: () => void) => Promise<T>): Promise<T>;
  /** The work that runs on all pools, or waits for a connection. */
  running(): number;
  end(graceMs: number): Promise<void>;
}

interface Pool {
  readonly sql: postgres.Sql;
  running: number;
}

/**
 * A pool of the driver that is replaced when a connection is lost. The driver keeps a lost connection, and may never write
 * on it again: every statement on it waits for the connect timeout (porsager/postgres, pull requests 1209 and 1215).
 * Statements that run on the replaced pool finish there.
 */
export function renewedPool(open: () => postgres.Sql): RenewedPool {
  const pools = new Set<Pool>();
  const add = (sql: postgres.Sql): Pool => {
    const pool = { sql, running: 0 };
    pools.add(pool);
    return pool;
  };
  let current = add(open());
  let hasEnded = false;
  const { options } = current.sql;

  const renew = (lost: Pool) => {
    if (hasEnded || lost !== current) return;
    current = add(open());
    // Drizzle has set the parsers of the first pool.
    Object.assign(current.sql.options.parsers, options.parsers);
    Object.assign(current.sql.options.serializers, options.serializers);
  };
  const endUnused = async (pool: Pool) => {
    if (pool === current || pool.running > 0) return;
    pools.delete(pool);
    await pool.sql.end({ timeout: 0 });
  };

  return {
    options,
    use: async (work) => {
      // Nothing is sent. The driver would report a lost connection, which leaves the outcome of a write unknown.
      if (hasEnded) throw driverError("sqlclient_unable_to_establish_sqlconnection", "The pool is closed.");
      const pool = current;
      pool.running++;
      try {
        return await work(pool.sql, () => renew(pool));
      } finally {
        pool.running--;
        void endUnused(pool);
      }
    },
    running: () => Array.from(pools).reduce((sum, pool) => sum + pool.running, 0),
    end: async (graceMs) => {
      hasEnded = true;
      await Promise.all(Array.from(pools, async ({ sql }) => sql.end({ timeout: graceMs / 1000 })));
    },
  };
}
