import { tmpdir } from "node:os";
import { ok } from "neverthrow";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DiskSpace } from "../../../src/infrastructure/pglite/directory/disk-space.ts";
import type { DrizzleClient } from "../../../src/infrastructure/pglite/client/client.ts";
import type { Engine } from "../../../src/infrastructure/pglite/engine/engine.ts";
import { logRetention, type LogRetention } from "../../../src/infrastructure/pglite/client/log-retention.ts";
import type { Supervisor } from "../../../src/infrastructure/pglite/client/supervisor.ts";
import { startUpkeep, type Upkeep } from "../../../src/infrastructure/pglite/client/upkeep.ts";
import type { TableActivity } from "../../../src/infrastructure/pglite/client/vacuum-plan.ts";
import type { Log } from "../../../src/application/ports/log.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

const MIB = 1_048_576n;

let upkeep: Upkeep | null = null;
beforeEach(() => vi.useFakeTimers());
afterEach(async () => {
  await upkeep?.stop();
  vi.useRealTimers();
});

interface Scenario {
  /** Whether the disk has space for a checkpoint after the first vacuum. */
  readonly hasSpaceAfterVacuum?: boolean;
  /** Called after each vacuum, when other requests may run. Returns the bytes that they add to the log. */
  readonly afterVacuum?: () => bigint;
  /** The space of the disk; low by default. */
  readonly isLow?: boolean;
  /** The bytes of the log since the last checkpoint. */
  readonly logBytes?: () => bigint;
  readonly retention?: LogRetention;
  /** Whether no request has the engine; always by default. */
  readonly isIdle?: () => boolean;
  /** Called when the statistics of the tables are read. */
  readonly beforeStatistics?: () => void;
  /** Fields of the statistics of the table. */
  readonly table?: Partial<TableActivity>;
  /** The error of PostgreSQL that the next vacuum fails with, or `null`. */
  readonly vacuumError?: () => { readonly code: string; readonly message: string } | null;
  /** The error of PostgreSQL that the next checkpoint fails with, or `null`. */
  readonly checkpointError?: () => { readonly code: string; readonly message: string } | null;
  readonly log?: Log;
}

/** A database with one table that has dead rows, on a low disk. Each task adds a kilobyte to the log. */
function upkeepOf(scenario: Scenario): readonly string[] {
  const { hasSpaceAfterVacuum = true, afterVacuum = () => 0n, isLow = true, logBytes = () => 0n } = scenario;
  const done: string[] = [];
  let position = 0n;
  const engine = {
    execute: async ([{ text }]: [{ text: string }]) => {
      done.push(text.includes("freeze") ? text : (text.split(" ", 1)[0] ?? ""));
      position += 1024n;
      return ok([{ error: scenario.vacuumError?.() ?? null }]);
    },
    checkpoint: async () => {
      done.push("checkpoint");
      position += 1024n;
      return ok(scenario.checkpointError?.() ?? null);
    },
  };
  const supervisor: Partial<Supervisor> = {
    position: () => position + logBytes(),
    isServing: () => true,
    isIdle: scenario.isIdle ?? (() => true),
    acquire: async () =>
      ok({
        engine: engine as unknown as Engine,
        release: () => {
          if (done.at(-1) === "vacuum") position += afterVacuum();
        },
      }),
  };
  const row = { table: "posts", owner: null, liveRows: 1, deadRows: 1, bytes: 8192, ...scenario.table };
  const client: Partial<DrizzleClient> = {
    query: (async () => {
      scenario.beforeStatistics?.();
      return { rows: [row] };
    }) as unknown as DrizzleClient["query"],
  };
  const space: Partial<DiskSpace> = {
    isLow: () => isLow,
    freeBytes: () => 0,
    secureReserve: async () => {},
    canFree: async () => hasSpaceAfterVacuum || !done.includes("vacuum"),
    noteReusable: () => {},
  };
  upkeep = startUpkeep({
    directory: tmpdir(),
    supervisor: supervisor as Supervisor,
    client: client as DrizzleClient,
    space: space as DiskSpace,
    onDamage: () => {},
    isDamaged: () => false,
    retention: scenario.retention ?? logRetention(),
    breaker: { failure: () => null, record: () => {}, tryClose: async () => {} },
    log: scenario.log ?? recordingLog(),
  });
  return done;
}

describe("upkeep on a low disk", () => {
  it("vacuums, then writes a checkpoint, while the disk has space for one", async () => {
    const done = upkeepOf({});
    await vi.advanceTimersByTimeAsync(1000);
    await upkeep?.stop();
    expect(done).toEqual(["vacuum", "checkpoint"]);
  });

  it("skips the checkpoint, on which PostgreSQL would panic, if the disk filled up during the vacuum", async () => {
    const done = upkeepOf({ hasSpaceAfterVacuum: false });
    await vi.advanceTimersByTimeAsync(1000);
    await upkeep?.stop();
    expect(done).toEqual(["vacuum"]);
  });

  it("runs again for rows that were deleted while it ran, and not for what it wrote itself", async () => {
    const deletions = [500n];
    const done = upkeepOf({ afterVacuum: () => deletions.pop() ?? 0n });
    await vi.waitFor(() => expect(done).toHaveLength(4), { timeout: 30_000, interval: 10 });
    await vi.advanceTimersByTimeAsync(60_000);
    await upkeep?.stop();
    expect(done).toEqual(["vacuum", "checkpoint", "vacuum", "checkpoint"]);
  });
});

describe("upkeep on a low disk whose space cannot be reclaimed", () => {
  const fail = vi.fn(() => {
    throw new Error("The statistics cannot be read.");
  });
  beforeEach(() => void fail.mockClear());

  it("writes the checkpoint that is due, because deletions continue and their log would fill the disk", async () => {
    let bytes = 0n;
    const done = upkeepOf({ beforeStatistics: fail, logBytes: () => bytes });
    bytes = 16n * MIB;
    await vi.advanceTimersByTimeAsync(1000);
    await upkeep?.stop();
    expect(done).toEqual(["checkpoint"]);
  });

  it("tries again once a second", async () => {
    let bytes = 0n;
    upkeepOf({ beforeStatistics: fail, logBytes: () => bytes++ });
    await vi.advanceTimersByTimeAsync(10_000);
    await upkeep?.stop();
    expect(fail).toHaveBeenCalledTimes(10);
  });
});

describe("upkeep while requests have the engine", () => {
  it("waits for an idle moment", async () => {
    let isIdle = false;
    let bytes = 0n;
    const done = upkeepOf({ isLow: false, isIdle: () => isIdle, logBytes: () => bytes });
    bytes = 16n * MIB;
    await vi.advanceTimersByTimeAsync(1000);
    expect(done).toEqual([]);
    isIdle = true;
    await vi.advanceTimersByTimeAsync(10);
    expect(done[0]).toBe("checkpoint");
  });

  it("runs after a second without an idle moment", async () => {
    let [bytes, isIdle] = [0n, false];
    const done = upkeepOf({ isLow: false, isIdle: () => isIdle, logBytes: () => bytes });
    bytes = 16n * MIB;
    await vi.advanceTimersByTimeAsync(1500);
    expect(done[0]).toBe("checkpoint");
    isIdle = true;
    await vi.advanceTimersByTimeAsync(10);
  });
});

describe("upkeep of old tables", () => {
  it("freezes them at the start, and looks for others once an hour", async () => {
    const done = upkeepOf({ isLow: false });
    const frozen = () => done.filter((task) => task === "vacuum (process_toast off, index_cleanup off, freeze) posts");
    await vi.advanceTimersByTimeAsync(1000);
    expect(frozen()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(frozen()).toHaveLength(2);
  });
});

describe("upkeep of a table with dead rows", () => {
  const table = { liveRows: 20_000, deadRows: 1_000, insertedSinceVacuum: 0 };

  it("vacuums it again after a vacuum that failed, and leaves it alone after one that succeeded", async () => {
    let bytes = 0n;
    let error: { readonly code: string; readonly message: string } | null = null;
    const done = upkeepOf({ isLow: false, logBytes: () => bytes, table, vacuumError: () => error });
    const vacuumsAfterChange = async () => {
      bytes += 16n * MIB;
      await vi.advanceTimersByTimeAsync(1000);
      return done.filter((task) => task === "vacuum").length;
    };
    error = { code: "55P03", message: "canceling statement due to lock timeout" };
    expect(await vacuumsAfterChange()).toBe(1);
    error = null;
    expect(await vacuumsAfterChange()).toBe(2);
    expect(await vacuumsAfterChange()).toBe(2);
  });
});

describe("upkeep after a failed checkpoint", () => {
  it("tries again after ten seconds, and not before", async () => {
    let bytes = 0n;
    let error: { readonly code: string; readonly message: string } | null = { code: "58030", message: "i/o error" };
    const done = upkeepOf({ isLow: false, logBytes: () => bytes, checkpointError: () => error });
    const checkpoints = () => done.filter((task) => task === "checkpoint").length;
    bytes = 16n * MIB;
    await vi.advanceTimersByTimeAsync(9_000);
    expect(checkpoints()).toBe(1);
    error = null;
    await vi.advanceTimersByTimeAsync(3_000);
    expect(checkpoints()).toBe(2);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(checkpoints()).toBe(2);
  });
});

describe("upkeep on a low disk whose vacuum fails", () => {
  it("writes a checkpoint, and does not report that space was reclaimed", async () => {
    const log = recordingLog();
    const vacuumError = () => ({ code: "55P03", message: "canceling statement due to lock timeout" });
    const done = upkeepOf({ vacuumError, log });
    await vi.advanceTimersByTimeAsync(900);
    await upkeep?.stop();
    expect(done).toEqual(["vacuum", "checkpoint"]);
    expect(JSON.stringify(log)).not.toContain("reclaimed");
  });
});

describe("upkeep during a backup", () => {
  const checkpoints = (done: readonly string[]) => done.filter((task) => task === "checkpoint").length;

  it("postpones the checkpoint that would remove the log, until the backup has copied it", async () => {
    const retention = logRetention();
    let bytes = 0n;
    const done = upkeepOf({ isLow: false, retention, logBytes: () => bytes });
    const hold = retention.hold();
    bytes = 100n * MIB;
    await vi.advanceTimersByTimeAsync(5000);
    expect(checkpoints(done)).toBe(0);
    expect(hold?.endedBy()).toBe(null);
    hold?.release();
    await vi.advanceTimersByTimeAsync(5000);
    expect(checkpoints(done)).toBeGreaterThan(0);
  });

  it("postpones the checkpoint for a backup that begins while the checkpoint waits for an idle moment", async () => {
    const retention = logRetention();
    let [bytes, isIdle] = [0n, false];
    const done = upkeepOf({ isLow: false, retention, isIdle: () => isIdle, logBytes: () => bytes });
    bytes = 16n * MIB;
    await vi.advanceTimersByTimeAsync(500);
    const hold = retention.hold();
    isIdle = true;
    await vi.advanceTimersByTimeAsync(500);
    expect(checkpoints(done)).toBe(0);
    expect(hold?.endedBy()).toBe(null);
  });

  it("ends the backup and writes the checkpoint when the log has grown by a gigabyte", async () => {
    const retention = logRetention();
    let bytes = 0n;
    const done = upkeepOf({ isLow: false, retention, logBytes: () => bytes });
    const hold = retention.hold();
    bytes = 1024n * MIB;
    await vi.advanceTimersByTimeAsync(5000);
    expect(checkpoints(done)).toBeGreaterThan(0);
    expect(hold?.endedBy()).toContain("a checkpoint was necessary");
  });

  it("ends the backup when the disk is full, whose space comes before it", async () => {
    const retention = logRetention();
    upkeepOf({ retention });
    const hold = retention.hold();
    await vi.advanceTimersByTimeAsync(1000);
    await upkeep?.stop();
    expect(hold?.endedBy()).toContain("the disk was full");
  });
});
