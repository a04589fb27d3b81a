import { tmpdir } from "node:os";
import { ok } from "neverthrow";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DiskSpace } from "../../../src/infrastructure/pglite/directory/disk-space.ts";
import type { DrizzleClient } from "../../../src/infrastructure/pglite/client/client.ts";
import type { Engine } from "../../../src/infrastructure/pglite/engine/engine.ts";
import type { Supervisor } from "../../../src/infrastructure/pglite/client/supervisor.ts";
import { startUpkeep, type Upkeep } from "../../../src/infrastructure/pglite/client/upkeep.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

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
}

/** A database with one table that has dead rows, on a low disk. Each task adds a kilobyte to the log. */
function upkeepOf({ hasSpaceAfterVacuum = true, afterVacuum = () => 0n }: Scenario): readonly string[] {
  const done: string[] = [];
  let position = 0n;
  const engine = {
    execute: async ([{ text }]: [{ text: string }]) => {
      done.push(text.split(" ", 1)[0] ?? "");
      position += 1024n;
      return ok([[{ error: null }]]);
    },
    checkpoint: async () => {
      done.push("checkpoint");
      position += 1024n;
      return ok(null);
    },
  };
  const supervisor: Partial<Supervisor> = {
    position: () => position,
    isServing: () => true,
    acquire: async () =>
      ok({
        engine: engine as unknown as Engine,
        release: () => {
          if (done.at(-1) === "vacuum") position += afterVacuum();
        },
      }),
  };
  const row = { table: "posts", owner: null, liveRows: 1, deadRows: 1, bytes: 8192 };
  const client: Partial<DrizzleClient> = {
    query: (async () => ({ rows: [row] })) as unknown as DrizzleClient["query"],
  };
  const space: Partial<DiskSpace> = {
    isLow: () => true,
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
    breaker: { failure: () => null, record: () => {}, tryClose: async () => {} },
    log: recordingLog(),
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
