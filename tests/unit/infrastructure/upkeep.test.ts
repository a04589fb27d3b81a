import { tmpdir } from "node:os";
import { ok } from "neverthrow";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DiskSpace } from "../../../src/infrastructure/pglite/directory/disk-space.ts";
import type { DrizzleClient } from "../../../src/infrastructure/pglite/client/client.ts";
import type { Engine } from "../../../src/infrastructure/pglite/engine/engine.ts";
import type { Supervisor } from "../../../src/infrastructure/pglite/client/supervisor.ts";
import { startUpkeep, type Upkeep } from "../../../src/infrastructure/pglite/client/upkeep.ts";
import { recordingLog } from "../../support/fixtures.ts";

let upkeep: Upkeep | null = null;
beforeEach(() => vi.useFakeTimers());
afterEach(async () => {
  await upkeep?.stop();
  vi.useRealTimers();
});

/** A database with one table that has dead rows, on a disk that fills up while that table is vacuumed. */
function upkeepOf(freeBytesAfterVacuum: "some" | "none"): readonly string[] {
  const done: string[] = [];
  const engine = {
    execute: async ([{ text }]: [{ text: string }]) => {
      done.push(text.split(" ", 1)[0] ?? "");
      return ok([[{ error: null }]]);
    },
    checkpoint: async () => {
      done.push("checkpoint");
      return ok(null);
    },
  };
  const supervisor: Partial<Supervisor> = {
    position: () => 0n,
    isServing: () => true,
    acquire: async () => ok({ engine: engine as unknown as Engine, release: () => {} }),
  };
  const row = { table: "posts", owner: null, liveRows: 1, deadRows: 1, bytes: 8192 };
  const client: Partial<DrizzleClient> = {
    query: (async () => ({ rows: [row] })) as unknown as DrizzleClient["query"],
  };
  const space: Partial<DiskSpace> = {
    isLow: () => true,
    canFree: async () => freeBytesAfterVacuum === "some" || !done.includes("vacuum"),
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
    const done = upkeepOf("some");
    await vi.advanceTimersByTimeAsync(1000);
    await upkeep?.stop();
    expect(done).toEqual(["vacuum", "checkpoint"]);
  });

  it("skips the checkpoint, on which PostgreSQL would panic, if the disk filled up during the vacuum", async () => {
    const done = upkeepOf("none");
    await vi.advanceTimersByTimeAsync(1000);
    await upkeep?.stop();
    expect(done).toEqual(["vacuum"]);
  });
});
