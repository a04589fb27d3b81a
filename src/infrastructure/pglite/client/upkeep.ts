import type { Result } from "neverthrow";
import type { Log } from "../../../application/ports/log.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import { UPKEEP_DEADLINE_MS, type Engine, type RequestLost } from "../engine/engine.ts";
import type { DrizzleClient } from "./client.ts";
import { forgetRelationFiles } from "../integrity/relation-files.ts";
import type { Supervisor } from "./supervisor.ts";
import { reusableBytes, tableCare, type TableActivity } from "./table-care.ts";
import { tellsOfDamage, type DatabaseError } from "../engine/wire-protocol.ts";
import type { WriteHealth } from "./write-health.ts";

/** The work that PostgreSQL's background processes do, which the embedded engine has not. */
export interface Upkeep {
  /** Writes everything to its place now. */
  checkpoint(): Promise<void>;
  /** Ends it, after what it is doing. */
  stop(): Promise<void>;
}

interface UpkeepOptions {
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly client: DrizzleClient;
  readonly space: DiskSpace;
  /** Called for every error by which PostgreSQL says that its files are damaged. */
  readonly onDamage: (error: DatabaseError) => void;
  /** Whether files are known to be damaged: then nothing is written to them. */
  readonly isDamaged: () => boolean;
  readonly writes: WriteHealth;
  readonly log: Log;
}

const TICK_MS = 1000;
/** A checkpoint comes when the log has grown by this, so that one is short and a recovery takes about a second. */
const CHECKPOINT_BYTES = 32n * 1_048_576n;
const CHECKPOINT_INTERVAL_MS = 300_000;
/** PostgreSQL hands its statistics over once a second at most; looking costs a millisecond. */
const LOOK_INTERVAL_MS = 10_000;
/** After space was reclaimed, the engine is left to the others for so many times as long. */
const RECLAIM_REST = 9;
/** What so much of the log changed is looked at sooner, as each change leaves as much of what was before. */
const LOOK_BYTES = 16n * 1_048_576n;

/** The tables of the schema, each with its TOAST table. Casts give numbers that JavaScript reads as such. */
const STATISTICS = `select c.oid::regclass::text as "table", owner.oid::regclass::text as owner,
  s.n_live_tup::float8 as "liveRows", s.n_dead_tup::float8 as "deadRows",
  s.n_ins_since_vacuum::float8 as "insertedSinceVacuum", s.n_mod_since_analyze::float8 as "changedSinceAnalyze",
  c.reltuples::float8 as "analysedRows", pg_relation_size(c.oid)::float8 as bytes
  from pg_class c join pg_stat_all_tables s on s.relid = c.oid left join pg_class owner on owner.reltoastrelid = c.oid
  where c.relkind in ('r', 't') and coalesce(owner.relnamespace, c.relnamespace) = 'public'::regnamespace
  order by owner.oid nulls first`;

/** Checkpoints, vacuums and analyses as data changes, and restores the reserve of disk space. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const { directory, supervisor, client, space, onDamage, isDamaged, writes, log } = options;
  let checkpointAt = supervisor.position();
  let checkpointTime = performance.now();
  let lookedAt = supervisor.position();
  let lookTime = performance.now();
  let wasLow = false;
  let mayReclaimAt = 0;
  let work: Promise<void> | null = null;

  /** Does something with the engine alone; gives why it failed, or `null`. */
  const inTurn = async (
    task: (engine: Engine) => Promise<Result<DatabaseError | null, RequestLost>>,
  ): Promise<string | null> => {
    const lease = await supervisor.acquire({ bytes: 0, mode: "exclusive" });
    if (lease.isErr()) return lease.error.reason;
    const done = await task(lease.value.engine);
    lease.value.release();
    const error = done.unwrapOr(null);
    if (error !== null && tellsOfDamage(error)) onDamage(error);
    else if (error !== null) writes.note(error);
    return done.isOk() ? (error?.message ?? null) : done.error.failure.detail;
  };

  const checkpoint = async () => {
    const startedAt = performance.now();
    const failure = await inTurn(async (engine) => engine.checkpoint());
    checkpointAt = supervisor.position();
    checkpointTime = performance.now();
    const durationMs = Math.round(checkpointTime - startedAt);
    if (failure === null) log.debug({ durationMs }, "checkpoint");
    else log.error({ detail: failure }, "a checkpoint failed");
  };

  const look = async () => {
    // Otherwise the changes of the last second are not in them, and after the last change nobody looks again.
    await client.query("select pg_stat_force_next_flush()");
    return (await client.query<TableActivity>(STATISTICS)).rows;
  };

  /** `returnsSpace`: what is free at the end of a file is given back to the disk. */
  const tendTables = async (returnsSpace: boolean) => {
    lookTime = performance.now();
    for (const { table, vacuum, analyze } of tableCare(await look(), returnsSpace)) {
      if (returnsSpace && !space.canFree()) break;
      const startedAt = performance.now();
      const command = `${vacuumCommand(vacuum, returnsSpace)} ${analyze ? "analyze" : ""} ${table}`;
      const failure = await inTurn(async (engine) => {
        // A file that is noted as it was would be a damaged one after a crash, once it is shorter.
        if (returnsSpace) forgetRelationFiles(directory);
        const handling = { acknowledges: true, deadlineMs: UPKEEP_DEADLINE_MS };
        const replies = await engine.execute([{ text: command, values: [] }], handling);
        return replies.map(([reply]) => reply?.error ?? null);
      });
      const durationMs = Math.round(performance.now() - startedAt);
      if (failure === null) log.debug({ table, vacuum, analyze, durationMs }, "upkeep of a table");
      else log.error({ table, detail: failure }, "the upkeep of a table failed");
    }
    lookedAt = supervisor.position();
  };

  /** Makes use of what was deleted, and of the log that was written, as nothing else gives the disk its space back. */
  const reclaim = async () => {
    if (!space.canFree()) return;
    const startedAt = performance.now();
    await tendTables(true);
    // PostgreSQL panics when a checkpoint cannot be written, and the disk may have filled up during the vacuum.
    if (!space.canFree()) return;
    // It removes what is left of the log, and notes the files as they are now.
    await checkpoint();
    const bytes = reusableBytes(await look());
    space.noteReusable(bytes);
    log.info({ directory, reusableBytes: bytes }, "space of deleted rows reclaimed, as the disk is full");
    lookedAt = supervisor.position();
    mayReclaimAt = performance.now() + RECLAIM_REST * (performance.now() - startedAt);
  };

  const tick = async () => {
    await writes.recover();
    if (!supervisor.isServing() || isDamaged() || writes.failure() !== null) return;
    const now = performance.now();
    const changed = supervisor.position() - lookedAt;
    const isReclaiming = space.isLow();
    if (isReclaiming && now >= mayReclaimAt && (changed > 0n || !wasLow)) await reclaim();
    wasLow = isReclaiming;
    if (isReclaiming) return;
    space.secureReserve();
    const grown = supervisor.position() - checkpointAt;
    if (grown >= CHECKPOINT_BYTES || (grown > 0n && now - checkpointTime >= CHECKPOINT_INTERVAL_MS)) await checkpoint();
    if (changed >= LOOK_BYTES || (changed > 0n && now - lookTime >= LOOK_INTERVAL_MS)) await tendTables(false);
  };

  const timer = setInterval(() => {
    work ??= tick()
      .catch((error: unknown) => log.warn({ error }, "upkeep is put off"))
      .finally(() => {
        work = null;
      });
  }, TICK_MS);

  return {
    checkpoint,
    stop: async () => {
      clearInterval(timer);
      await work;
    },
  };
}

function vacuumCommand(vacuum: boolean, returnsSpace: boolean): string {
  if (!vacuum) return "";
  // Without its entries in the indexes a page is not free, however few they are.
  return returnsSpace ? "vacuum (truncate on, index_cleanup on)" : "vacuum";
}
