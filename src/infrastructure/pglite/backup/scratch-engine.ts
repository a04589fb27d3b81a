import { join } from "node:path";
import { ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { describeError } from "../../node/describe-error.ts";
import { ENGINE_WORKER } from "../client/worker-files.ts";
import { newFsyncCounts } from "../client/fsync-counts.ts";
import type { EngineData } from "../client/engine-worker.ts";
import { damaged, type DataDirectoryDamaged, type EngineNotStarted } from "../directory/cluster.ts";
import type { Damage } from "../directory/damage.ts";
import { markIndexCheckDue, markIndexesChecked } from "../directory/index-check-marker.ts";
import { CLUSTER } from "../directory/layout.ts";
import { openEngine, type Engine } from "../engine/engine.ts";
import type { Reply } from "../engine/wire-protocol.ts";
import { countAndChecksum } from "../../sql/row-checksum.ts";
import { checkIndexes } from "../integrity/index-check.ts";
import { readControlFile } from "../integrity/control-file.ts";
import { QUIRE_SCHEMA } from "../quire-schema.ts";
import type { BackedUpTable, SchemaVersion } from "./manifest.ts";
import type { Pause } from "./pause.ts";

/** The contents of a database: what a backup and its restored copy must have in common. */
export interface DatabaseContents {
  readonly schema: SchemaVersion;
  readonly tables: readonly BackedUpTable[];
}

export interface ReadContentsOptions {
  readonly signal: AbortSignal;
  readonly pause: Pause;
  /** Called with the bytes of the tables that are read, and of all tables. */
  readonly onRead: (bytes: number, total: number) => void;
}

/** Runs a statement on the scratch engine. */
export type Query = (text: string, values?: readonly string[]) => Promise<Reply>;

/** The aim for a statement that reads a part of a table, with its pause. */
const BATCH_MS = 50;

/** The size of a page of a table (PostgreSQL 18, 66.6). */
const PAGE_BYTES = 8192;

/** The statements read whole tables. The operator can end the command. */
export const STATEMENT_DEADLINE_MS = 86_400_000;

/** All tables that are not PostgreSQL's own, each with an expression for the text of a row, and its size. */
const TABLES = `select format('%I.%I', n.nspname, c.relname),
  string_agg(format('coalesce(%I::text, chr(30))', a.attname), ' || chr(31) || ' order by a.attnum),
  pg_relation_size(c.oid)::text
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind = 'r' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' group by c.oid, 1 order by 1`;

/** Whether the database has migrations. */
export const MIGRATIONS_EXIST = "select (to_regclass('drizzle.__drizzle_migrations') is not null)::text";
const SCHEMA = "select count(*)::text, coalesce(max(created_at), 0)::text from drizzle.__drizzle_migrations";

export type ScratchEngineError = DataDirectoryDamaged | EngineNotStarted;

/** Checks every index and every row of the copy of a data directory, with pauses, and shuts it down cleanly. */
export async function readContents(
  directory: string,
  options: ReadContentsOptions,
): Promise<Result<DatabaseContents, ScratchEngineError>> {
  return withScratchEngine(directory, options.signal, async (engine) => contentsOf(engine, directory, options));
}

/**
 * Opens the copy of a data directory in an engine of its own, which replays the log, and has amcheck. Nothing waits for the disk: the
 * copy is thrown away, or flushed later. The engine is killed unless `work` closes it.
 */
export async function withScratchEngine<T>(
  directory: string,
  signal: AbortSignal,
  work: (engine: Engine) => Promise<Result<T, ScratchEngineError>>,
): Promise<Result<T, ScratchEngineError>> {
  // The engine has amcheck only if an index check is due.
  await markIndexCheckDue(directory);
  const { extensions, settings } = QUIRE_SCHEMA;
  const data: EngineData = {
    directory,
    durability: "relaxed",
    extensions,
    settings,
    fsyncs: newFsyncCounts(),
  };
  const opened = await openEngine<Damage>({ worker: ENGINE_WORKER, data, onFailed: () => {} });
  if (opened.isErr()) {
    const { error } = opened;
    return error.kind === "cluster_damaged"
      ? damaged(directory, error.damage)
      : fail({ ...error, kind: "engine_not_started", directory });
  }
  const engine = opened.value;
  const stop = () => void engine.kill();
  signal.addEventListener("abort", stop);
  try {
    return await work(engine);
  } catch (cause) {
    signal.throwIfAborted();
    return fail({ kind: "engine_not_started", directory, detail: describeError(cause), lastLines: [] });
  } finally {
    signal.removeEventListener("abort", stop);
    await engine.kill();
  }
}

async function contentsOf(
  engine: Engine,
  directory: string,
  { pause, onRead }: ReadContentsOptions,
): Promise<Result<DatabaseContents, ScratchEngineError>> {
  const query = queryOn(engine, pause);
  // The text of a time depends on the time zone of the machine.
  await query("set timezone to 'UTC'");
  const indexes = await checkIndexes(clientOn(query));
  if (indexes.isErr()) {
    const { error } = indexes;
    if (error.kind === "index_check_failed") throw new Error(error.detail);
    return damaged(directory, error);
  }
  const exists = await query(MIGRATIONS_EXIST);
  const schema = exists.rows[0]?.[0] === "true" ? (await query(SCHEMA)).rows[0] : undefined;
  const tables: BackedUpTable[] = [];
  const found = (await query(TABLES)).rows.map(([table, row, bytes]) => ({
    table: table ?? "",
    row: row ?? "",
    bytes: Number(bytes),
  }));
  const total = found.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const each of found) {
    const rows = await rowsOf(query, each, (bytes) => onRead(done + bytes, total));
    tables.push({ table: each.table, ...rows });
    done += each.bytes;
  }
  const closed = await engine.close();
  const control = readControlFile(join(directory, CLUSTER));
  if (closed.isErr() || !closed.value.isShutDown || control === null) throw new Error("it did not shut down cleanly");
  await markIndexesChecked(directory);
  return ok({ schema: { migrations: Number(schema?.[0] ?? 0), newest: Number(schema?.[1] ?? 0) }, tables });
}

/** Reads the rows of a table, some pages at a time. The checksum is a sum, so their order does not matter. */
async function rowsOf(
  query: Query,
  { table, row, bytes }: { readonly table: string; readonly row: string; readonly bytes: number },
  onRead: (bytes: number) => void,
): Promise<Pick<BackedUpTable, "rows" | "checksum">> {
  const statement = `select ${countAndChecksum(row)} from ${table} where ctid >= $1::tid and ctid < $2::tid`;
  const pages = bytes / PAGE_BYTES;
  let [rows, checksum] = [0, 0n];
  for (let first = 0, batch = 1; first < pages;) {
    const startedAt = performance.now();
    const found = await query(statement, [`(${first},0)`, `(${first + batch},0)`]);
    const [count, sum] = found.rows[0] ?? [];
    rows += Number(count);
    checksum += BigInt(sum ?? "0");
    first += batch;
    onRead(Math.min(bytes, first * PAGE_BYTES));
    // Long values are stored beside the table, so its pages differ in their cost.
    batch = performance.now() - startedAt < BATCH_MS ? batch * 2 : Math.max(1, Math.floor(batch / 2));
  }
  return { rows, checksum: String(checksum) };
}

/** Runs statements, and pauses after each one. Throws PostgreSQL's error. */
export function queryOn(engine: Engine, pause: Pause): Query {
  return async (text, values = []) => {
    const startedAt = performance.now();
    const replies = await engine.execute([{ text, values }], {
      acknowledges: false,
      deadlineMs: STATEMENT_DEADLINE_MS,
    });
    if (replies.isErr()) throw new Error(replies.error.failure.detail);
    const [reply] = replies.value;
    if (reply === undefined) throw new Error("no reply");
    if (reply.error !== null) throw reply.error;
    await pause(performance.now() - startedAt);
    return reply;
  };
}

/** The client that the index check needs. Values are text. */
function clientOn(query: Query): Parameters<typeof checkIndexes>[0] {
  const connection = {
    query: async <T>(text: string, parameters: (string | boolean)[] = []) => {
      const { fields, rows } = await query(text, parameters.map(String));
      const named = rows.map((row) => Object.fromEntries(fields.map(({ name }, index) => [name, row[index]])));
      // The caller names the type of its rows, as with PGlite.
      return { rows: named as unknown as readonly T[] };
    },
  };
  return {
    transaction: async (work) => {
      await query("begin");
      try {
        return await work(connection);
      } finally {
        await query("rollback");
      }
    },
  };
}
