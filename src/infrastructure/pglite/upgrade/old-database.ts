import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { err, ok, type Result } from "neverthrow";
import { fail } from "../../../domain/shared/fail.ts";
import { packageFile } from "../../node/package-files.ts";
import type { RowReader } from "../../transfer/table-copy.ts";
import { MIGRATIONS_EXIST, STATEMENT_DEADLINE_MS } from "../backup/scratch-engine.ts";
import type { EngineNotStarted } from "../directory/cluster.ts";
import { openEngine, type Engine } from "../engine/engine.ts";
import type { OldRelease } from "./old-releases.ts";
import type { OldEngineData } from "./old-engine-worker.ts";

/** A copy of a cluster, opened by the PostgreSQL that made it. Its methods throw PostgreSQL's errors. */
export interface OldDatabase extends RowReader {
  kill(): Promise<void>;
}

export interface OldDatabaseOptions extends Pick<OldRelease, "databases"> {
  /** The directory of the package of an older PGlite. */
  readonly pglite: string;
  readonly cluster: string;
  /** The data directory, for messages. */
  readonly directory: string;
}

/** Node itself loads a Worker, so it is always the built file. */
const WORKER = packageFile("dist/workers/old-engine-worker.js");

/** Opens the database that has Quire's schema; if there is none, the last one. */
export async function openOldDatabase(options: OldDatabaseOptions): Promise<Result<OldDatabase, EngineNotStarted>> {
  const { databases } = options;
  for (const [index, database] of databases.entries()) {
    const opened = await open(options, database);
    if (opened.isErr()) return err(opened.error);
    const { engine, ...old } = opened.value;
    const [exists] = await old.select(MIGRATIONS_EXIST);
    if (exists?.[0] === "true" || index === databases.length - 1) return ok(old);
    const closed = await engine.close();
    if (closed.isErr()) throw new Error(closed.error.failure.detail);
  }
  throw new Error("No database is the last one.");
}

async function open(
  { pglite, cluster, directory }: OldDatabaseOptions,
  database: string,
): Promise<Result<OldDatabase & { readonly engine: Engine }, EngineNotStarted>> {
  const module = pathToFileURL(join(pglite, "dist", "index.js")).href;
  const data: OldEngineData = { module, cluster, database };
  const opened = await openEngine<never>({ worker: WORKER, data, onFailed: () => {} });
  if (opened.isErr()) {
    const { error } = opened;
    if (error.kind === "cluster_damaged") throw new Error("The old engine has no checks that find damage.");
    return fail({ ...error, kind: "engine_not_started", directory });
  }
  const engine = opened.value;
  return ok({ engine, select: async (text) => select(engine, text), kill: async () => engine.kill() });
}

/** Runs a script, and returns the rows of its last statement. Older releases answer only scripts reliably. */
async function select(engine: Engine, script: string) {
  const answer = await engine.executeScript(script, { acknowledges: false, deadlineMs: STATEMENT_DEADLINE_MS });
  if (answer.isErr()) throw new Error(answer.error.failure.detail);
  const last = answer.value.replies.at(-1);
  if (last === undefined || last.error !== null) throw new Error(last?.error?.message ?? "no reply");
  return last.rows;
}
