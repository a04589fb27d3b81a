import type { Log } from "../../../application/ports/log.ts";
import type { DiskSpace } from "../directory/disk-space.ts";
import { UPKEEP_DEADLINE_MS } from "../engine/engine.ts";
import { checkpointTasks, type CheckpointStatistics, type EngineTask, type RunTask } from "./checkpoints.ts";
import type { DrizzleClient } from "./client.ts";
import { tablesToFreeze } from "./freeze.ts";
import type { LogRetention } from "./log-retention.ts";
import type { Supervisor } from "./supervisor.ts";
import {
  deadEntriesAfter,
  freezeTask,
  maintenanceCommand,
  planVacuum,
  reusableBytes,
  type DeadEntries,
  type TableActivity,
  type TableTask,
} from "./vacuum-plan.ts";
import { isDamageReport, type DatabaseError } from "../engine/wire-protocol.ts";
import { waitForIdle } from "./wait-for-idle.ts";
import type { WriteCircuitBreaker } from "./write-circuit-breaker.ts";

/** The work of PostgreSQL's background processes, which the embedded engine lacks. */
export interface Upkeep {
  /** Writes a checkpoint now. Returns whether it succeeded. */
  checkpoint(): Promise<boolean>;
  /** The checkpoints since the start. */
  checkpoints(): Readonly<CheckpointStatistics>;
  /** Ends the upkeep after its current task. */
  stop(): Promise<void>;
}

interface UpkeepOptions {
  readonly directory: string;
  readonly supervisor: Supervisor;
  readonly client: DrizzleClient;
  readonly space: DiskSpace;
  /** Called for every error that reports damaged files. */
  readonly onDamage: (error: DatabaseError) => void;
  /** Whether files are known to be damaged. Then nothing is written to them. */
  readonly isDamaged: () => boolean;
  readonly breaker: WriteCircuitBreaker;
  readonly retention: LogRetention;
  readonly log: Log;
}

/** A quarter of a second of deletions on a low disk may fill a segment of the write-ahead log. */
const TICK_MS = 250;
/** The growth of the log between two checkpoints. A checkpoint is then short, and crash recovery takes about a second. */
const CHECKPOINT_BYTES = 8n * 1_048_576n;
const CHECKPOINT_INTERVAL_MS = 300_000;
/** PostgreSQL publishes its statistics at most once a second. Reading them takes a millisecond. */
const STATISTICS_INTERVAL_MS = 10_000;
const FREEZE_INTERVAL_MS = 3_600_000;
/** After a vacuum, requests have the engine for this multiple of the vacuum's duration. */
const RECLAIM_REST = 9;
/** The delay of the next attempt after a failure, which is logged each time. */
const RECLAIM_RETRY_MS = 1_000;
/** After this growth of the log the statistics are read earlier, because each change may leave as many dead bytes. */
const STATISTICS_BYTES = 16n * 1_048_576n;

/** The tables of the schema, each with its TOAST table. The casts give JavaScript numbers. */
const STATISTICS = `select c.oid::regclass::text as "table", owner.oid::regclass::text as owner,
  s.n_live_tup::float8 as "liveRows", s.n_dead_tup::float8 as "deadRows",
  s.n_ins_since_vacuum::float8 as "insertedSinceVacuum", s.n_mod_since_analyze::float8 as "changedSinceAnalyze",
  c.reltuples::float8 as "analysedRows", pg_relation_size(c.oid)::float8 as bytes
  from pg_class c join pg_stat_all_tables s on s.relid = c.oid left join pg_class owner on owner.reltoastrelid = c.oid
  where c.relkind in ('r', 't') and coalesce(owner.relnamespace, c.relnamespace)
  in (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
  order by owner.oid nulls first`;

/** Runs checkpoints, vacuums and analyses as data changes, and refills the reserve of disk space. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const { supervisor, space, isDamaged, breaker, log } = options;
  const tasks = upkeepTasks(options);
  let wasLow = false;
  let mayReclaimAt = 0;
  let running: Promise<void> | null = null;

  const tick = async () => {
    await breaker.tryClose();
    if (!supervisor.isServing() || isDamaged() || breaker.failure() !== null) return;
    const now = performance.now();
    const changed = tasks.bytesSinceStatistics();
    const isLow = space.isLow();
    if (isLow && now >= mayReclaimAt && (changed > 0n || !wasLow)) {
      mayReclaimAt = now + RECLAIM_RETRY_MS;
      if (await tasks.reclaim()) mayReclaimAt = performance.now() + RECLAIM_REST * (performance.now() - now);
    }
    wasLow = isLow;
    const grown = tasks.bytesSinceCheckpoint();
    const isDue = grown >= CHECKPOINT_BYTES || (grown > 0n && tasks.msSinceCheckpoint() >= CHECKPOINT_INTERVAL_MS);
    if (isDue && tasks.canCheckpoint()) {
      // Deletions continue on a low disk, and without checkpoints their log would take the rest of it.
      if (!isLow) await tasks.dueCheckpoint();
      else if (await space.canFree()) await tasks.checkpoint();
    }
    if (isLow) return;
    await space.secureReserve();
    if (changed >= STATISTICS_BYTES || (changed > 0n && tasks.msSinceStatistics() >= STATISTICS_INTERVAL_MS)) {
      await tasks.vacuumTables(false);
    }
    await tasks.freezeTables();
  };

  const timer = setInterval(() => {
    running ??= tick()
      .catch((error: unknown) => log.warn({ error }, "upkeep postponed"))
      .finally(() => {
        running = null;
      });
  }, TICK_MS);

  return {
    checkpoint: tasks.checkpoint,
    checkpoints: tasks.checkpoints,
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}

function upkeepTasks(options: UpkeepOptions) {
  const { directory, supervisor, client, space, log } = options;
  let [statisticsAt, statisticsTime] = [supervisor.position(), performance.now()];

  /** Runs a task while it holds the engine alone. Its own writes do not count as changes since the statistics. */
  const runTask: RunTask = async (task) =>
    runExclusively(options, async (engine) => {
      const startedAt = supervisor.position();
      const done = await task(engine);
      statisticsAt += supervisor.position() - startedAt;
      return done;
    });

  const checkpoints = checkpointTasks(options, runTask);
  const tables = tableTasks(options, runTask);
  const vacuumTables = async (returnsSpace: boolean) => {
    statisticsTime = performance.now();
    // Requests run between the tasks, and the statistics of the next time must include what they change.
    statisticsAt = supervisor.position();
    return tables.vacuum(returnsSpace);
  };

  /** Makes the space of dead rows and of the written log available again. Returns whether it succeeded. */
  const reclaim = async (): Promise<boolean> => {
    if (!(await space.canFree())) return false;
    const isVacuumed = await vacuumTables(true);
    // PostgreSQL panics when a checkpoint cannot be written, and the disk may have filled up during the vacuum.
    if (!(await space.canFree())) return false;
    // The checkpoint removes old segments of the log, and records the current files.
    const isWritten = await checkpoints.checkpoint();
    const bytes = reusableBytes(await readStatistics(client));
    space.noteReusable(bytes);
    if (!isVacuumed || !isWritten) return false;
    log.info(
      { directory, reusableBytes: bytes, freeBytes: space.freeBytes() },
      "disk full: space of deleted rows reclaimed",
    );
    return true;
  };

  return {
    ...checkpoints,
    vacuumTables,
    freezeTables: tables.freeze,
    reclaim,
    bytesSinceStatistics: () => supervisor.position() - statisticsAt,
    msSinceStatistics: () => performance.now() - statisticsTime,
  };
}

function tableTasks({ supervisor, client, space, log }: UpkeepOptions, runTask: RunTask) {
  let deadEntries: DeadEntries = new Map();
  let frozenAt = -Infinity;

  /** Returns whether all tasks succeeded. */
  const run = async (tasks: readonly TableTask[], tables: readonly TableActivity[], returnsSpace: boolean) => {
    let isComplete = true;
    for (const task of tasks) {
      if (!returnsSpace) await waitForIdle(supervisor);
      else if (!(await space.canFree())) return false;
      const isDone = await maintainTable(task, returnsSpace, runTask, log);
      if (isDone) deadEntries = deadEntriesAfter(task, tables, deadEntries);
      else isComplete = false;
    }
    return isComplete;
  };

  return {
    /** Returns whether all vacuums succeeded. `returnsSpace`: a vacuum returns the free end of a file to the disk. */
    vacuum: async (returnsSpace: boolean) => {
      const tables = await readStatistics(client);
      return run(planVacuum(tables, returnsSpace, deadEntries), tables, returnsSpace);
    },
    /** Freezes old tables, if it was not tried within {@link FREEZE_INTERVAL_MS}. */
    freeze: async () => {
      if (performance.now() - frozenAt < FREEZE_INTERVAL_MS) return;
      frozenAt = performance.now();
      const tasks = (await tablesToFreeze(client)).map(freezeTask);
      if (tasks.length > 0) await run(tasks, await readStatistics(client), false);
    },
  };
}

/** Vacuums or analyses a table. Returns whether it succeeded. */
async function maintainTable(task: TableTask, returnsSpace: boolean, runTask: RunTask, log: Log): Promise<boolean> {
  const startedAt = performance.now();
  const failure = await runTask(async (engine) => {
    // After a crash a file that is shorter than recorded would count as damaged.
    const handling = { acknowledges: true, deadlineMs: UPKEEP_DEADLINE_MS, removesFiles: returnsSpace };
    const replies = await engine.execute([{ text: maintenanceCommand(task, returnsSpace), values: [] }], handling);
    return replies.map(([reply]) => reply?.error ?? null);
  });
  if (failure === null) log.debug({ ...task, durationMs: msSince(startedAt) }, "table vacuumed or analysed");
  else log.error({ table: task.table, detail: failure }, "vacuum or analysis failed");
  return failure === null;
}

function msSince(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}

async function readStatistics(client: DrizzleClient): Promise<readonly TableActivity[]> {
  // Without a flush the changes of the last second are missing, and after the last change no later read finds them.
  await client.query("select pg_stat_force_next_flush()");
  return (await client.query<TableActivity>(STATISTICS)).rows;
}

/** Returns the reason of the task's failure, or `null`. */
async function runExclusively(
  { supervisor, onDamage, breaker }: UpkeepOptions,
  task: EngineTask,
): Promise<string | null> {
  const lease = await supervisor.acquire({ bytes: 0, mode: "exclusive" });
  if (lease.isErr()) return lease.error.reason;
  const done = await task(lease.value.engine).finally(lease.value.release);
  const error = done.unwrapOr(null);
  if (error !== null && isDamageReport(error)) onDamage(error);
  else if (error !== null) breaker.record(error);
  return done.isOk() ? (error?.message ?? null) : done.error.failure.detail;
}
