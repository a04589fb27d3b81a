import type { Result } from "neverthrow";
import type { Log } from "../../application/ports/log.ts";
import type { DiskSpace } from "./disk-space.ts";
import { UPKEEP_DEADLINE_MS, type Engine, type RequestLost } from "./engine.ts";
import type { DrizzleClient } from "./engine-client.ts";
import type { Supervisor } from "./supervisor.ts";
import { tellsOfDamage, type DatabaseError } from "./wire-protocol.ts";

/** The work that PostgreSQL's background processes do, which the embedded engine has not. */
export interface Upkeep {
  /** Writes everything to its place now. */
  checkpoint(): Promise<void>;
  /** Ends it, after what it is doing. */
  stop(): Promise<void>;
}

interface UpkeepOptions {
  readonly supervisor: Supervisor;
  readonly client: DrizzleClient;
  readonly space: DiskSpace;
  /** Called for every error by which PostgreSQL says that its files are damaged. */
  readonly onDamage: (error: DatabaseError) => void;
  /** Whether files are known to be damaged: then nothing is written to them. */
  readonly isDamaged: () => boolean;
  readonly log: Log;
}

const TICK_MS = 1000;
/** A checkpoint comes when the log has grown by this, so that one is short and a recovery takes about a second. */
const CHECKPOINT_BYTES = 32n * 1_048_576n;
const CHECKPOINT_INTERVAL_MS = 300_000;
/** PostgreSQL hands its statistics over once a second at most; looking costs a millisecond. */
const LOOK_INTERVAL_MS = 10_000;
/** Few enough that vacuuming them is short: what the others wait for is bounded by this and not by the table's size. */
const VACUUM_ROWS = 10_000;
/** When autovacuum analyses (PostgreSQL 18, 24.1.6): a tenth of the rows, and 50, have changed. */
const ANALYZE_SHARE = 0.1;
const ANALYZE_ROWS = 50;

const STATISTICS = `select s.relid::regclass::text as table,
  s.n_dead_tup + s.n_ins_since_vacuum >= ${VACUUM_ROWS} as vacuum,
  s.n_mod_since_analyze >= ${ANALYZE_ROWS} + ${ANALYZE_SHARE} * greatest(c.reltuples, 0) as analyze
  from pg_stat_user_tables s join pg_class c on c.oid = s.relid`;

interface TableStatistics {
  readonly table: string;
  readonly vacuum: boolean;
  readonly analyze: boolean;
}

/** Checkpoints, vacuums and analyses as data changes, and restores the reserve of disk space. */
export function startUpkeep({ supervisor, client, space, onDamage, isDamaged, log }: UpkeepOptions): Upkeep {
  let checkpointAt = supervisor.position();
  let checkpointTime = performance.now();
  let lookedAt = supervisor.position();
  let lookTime = performance.now();
  let work: Promise<void> | null = null;

  /** Does something with the engine alone; gives why it failed, or `null`. */
  const inTurn = async (
    task: (engine: Engine) => Promise<Result<DatabaseError | null, RequestLost>>,
  ): Promise<string | null> => {
    const turn = await supervisor.turn({ bytes: 0, isShared: false });
    if (turn.isErr()) return turn.error.reason;
    const done = await task(turn.value.engine);
    turn.value.end();
    if (done.isOk() && done.value !== null && tellsOfDamage(done.value)) onDamage(done.value);
    return done.match(
      (error) => error?.message ?? null,
      ({ failure }) => failure.detail,
    );
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

  const tendTables = async () => {
    lookTime = performance.now();
    const { rows } = await client.query<TableStatistics>(STATISTICS);
    for (const { table, vacuum, analyze } of rows) {
      if (!vacuum && !analyze) continue;
      const startedAt = performance.now();
      const command = `${[vacuum ? "vacuum" : [], analyze ? "analyze" : []].flat().join(" ")} ${table}`;
      const failure = await inTurn(async (engine) => {
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

  const tick = async () => {
    if (!supervisor.isServing() || isDamaged() || space.isLow()) return;
    space.secureReserve();
    const now = performance.now();
    const grown = supervisor.position() - checkpointAt;
    if (grown >= CHECKPOINT_BYTES || (grown > 0n && now - checkpointTime >= CHECKPOINT_INTERVAL_MS)) await checkpoint();
    if (supervisor.position() > lookedAt && now - lookTime >= LOOK_INTERVAL_MS) await tendTables();
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
