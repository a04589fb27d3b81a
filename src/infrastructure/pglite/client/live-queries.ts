import type { Log } from "../../../application/ports/log.ts";
import type { EngineClient } from "./client.ts";

export interface LiveQuery<Rows> {
  /** The tables whose changes run the query again, as in SQL: `notes`, `app.notes`. In place of a view, its tables. */
  readonly tables: readonly string[];
  readonly query: () => Promise<Rows>;
  /** Receives the rows of each run, also when they are the same as before. */
  readonly onRows: (rows: Rows) => void;
  /** Receives the error of a later run. The query runs again after the next change. By default the error is logged. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Runs a query now, and again after each commit that changed one of its tables. Changes during a run are covered by one more run. After
 * a restart of the engine it runs once more, because messages may be lost. Resolves after the first run with the function that ends it;
 * rejects if the first run fails.
 *
 * A trigger on each table notifies of the changes. It stays in the database, in the schema `quire_live`.
 */
export type Live = <Rows>(query: LiveQuery<Rows>) => Promise<() => Promise<void>>;

/** A trigger of each table sends its object identifier on this channel. PostgreSQL folds equal messages of a transaction. */
const CHANNEL = "quire_live";

const FUNCTION = `
create schema if not exists quire_live;
create or replace function quire_live.notify_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('${CHANNEL}', tg_relid::text);
  return null;
end $$;
`;

/** A row of the catalog. */
interface WatchedTable {
  readonly id: string;
  /** Quoted, with the schema if it is needed. */
  readonly name: string;
  readonly isTable: boolean;
  readonly hasTrigger: boolean;
}

const FIND_TABLE = `
select oid::text as id, oid::regclass::text as name, relkind in ('r', 'p') as "isTable",
  exists (select from pg_trigger where tgrelid = pg_class.oid and tgname = '${CHANNEL}') as "hasTrigger"
from pg_class where oid = $1::regclass`;

interface Options {
  readonly client: EngineClient;
  /** Calls the listener after each restart of the engine. */
  readonly onRestarted: (listener: () => void) => void;
  readonly log: Log;
}

export function liveQueries({ client, onRestarted, log }: Options): Live {
  const refreshes = new Set<() => void>();
  onRestarted(() => {
    for (const refresh of refreshes) refresh();
  });
  return async (query) => {
    const ids = await watch(client, query.tables);
    const { first, refresh, stop } = coalesced(query, log);
    const unlisten = await client.listen(CHANNEL, (id) => {
      if (ids.has(id)) refresh();
    });
    refreshes.add(refresh);
    const end = async () => {
      stop();
      refreshes.delete(refresh);
      await unlisten();
    };
    try {
      await first();
    } catch (thrown) {
      await end();
      throw thrown;
    }
    return end;
  };
}

/** Creates the triggers that are missing. Returns the object identifiers of the tables. */
async function watch(client: EngineClient, tables: readonly string[]): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (const table of tables) {
    const { rows } = await client.query<WatchedTable>(FIND_TABLE, [table]);
    const [found] = rows;
    if (found?.isTable !== true) throw new Error(`${table} is not a table, so no commit changes it.`);
    ids.add(found.id);
    if (found.hasTrigger) continue;
    const trigger = `create or replace trigger ${CHANNEL} after insert or update or delete or truncate on ${found.name}
      for each statement execute function quire_live.notify_change();`;
    await client.exec(FUNCTION + trigger);
  }
  return ids;
}

/** Runs the query one at a time. Any number of changes during a run are followed by one more run. */
function coalesced<Rows>({ query, onRows, onError }: LiveQuery<Rows>, log: Log) {
  const state = { isRunning: true, isStale: false, isEnded: false };
  const report = onError ?? ((error) => log.error({ error }, "a live query failed"));

  const run = async () => {
    state.isStale = false;
    const rows = await query();
    if (!state.isEnded) onRows(rows);
  };
  const follow = async () => {
    while (state.isStale && !state.isEnded) {
      await run()
        .catch(report)
        .catch((error: unknown) => log.error({ error }, "the error handler of a live query threw"));
    }
    state.isRunning = false;
  };
  return {
    first: async () => {
      await run();
      void follow();
    },
    refresh: () => {
      state.isStale = true;
      if (state.isRunning) return;
      state.isRunning = true;
      void follow();
    },
    stop: () => {
      state.isEnded = true;
    },
  };
}
