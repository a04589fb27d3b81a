import { rm } from "node:fs/promises";
import { ok } from "neverthrow";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { QUIRE_SCHEMA } from "../../src/infrastructure/pglite/quire-schema.ts";
import { superviseEngine, type Supervisor } from "../../src/infrastructure/pglite/client/supervisor.ts";
import { prepareCluster } from "../../src/infrastructure/pglite/directory/cluster.ts";
import { diskSpace, type DiskSpace } from "../../src/infrastructure/pglite/directory/disk-space.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";
import { copyTemplate, embeddedDefaults } from "../support/test-storage.ts";

describe("a restart of the engine", () => {
  const log = recordingLog();
  let directory: string;
  let space: DiskSpace;
  let supervisor: Supervisor;
  beforeAll(async () => {
    directory = await copyTemplate();
    space = diskSpace({ directory, watermarkBytes: embeddedDefaults.freeSpaceBytes, log });
    (await prepareCluster(directory, log, embeddedDefaults.freeSpaceBytes))._unsafeUnwrap();
    supervisor = (
      await superviseEngine({ directory, durability: "relaxed", space, schema: QUIRE_SCHEMA, log })
    )._unsafeUnwrap();
  });
  afterAll(async () => {
    await supervisor.close();
    space.stop();
    await rm(directory, { recursive: true });
  });

  it("calls its listeners before a request uses the new engine", async () => {
    const events: string[] = [];
    supervisor.onRestarted(() => events.push("restarted"));
    const restarted = supervisor.restart("on purpose");
    // On a busy machine a restart takes longer than a request may wait.
    const lease = await vi.waitFor(
      async () => (await supervisor.acquire({ bytes: 0, mode: "exclusive" }))._unsafeUnwrap(),
      { timeout: 60_000 },
    );
    events.push("admitted");
    lease.release();
    await restarted;
    expect(events).toEqual(["restarted", "admitted"]);
  });
});

describe("the end of a supervisor during a restart", () => {
  const log = recordingLog();
  let directory: string;
  let space: DiskSpace;
  let events: string[];
  let onOpening: () => void;
  let supervisor: Supervisor;

  beforeEach(async () => {
    directory = await copyTemplate();
    space = diskSpace({ directory, watermarkBytes: embeddedDefaults.freeSpaceBytes, log });
    (await prepareCluster(directory, log, embeddedDefaults.freeSpaceBytes))._unsafeUnwrap();
    events = [];
    onOpening = () => {};
    // The disk is measured before each engine is opened.
    const watched: DiskSpace = {
      ...space,
      refresh: async () => {
        await space.refresh();
        onOpening();
      },
    };
    supervisor = (
      await superviseEngine({ directory, durability: "relaxed", space: watched, schema: QUIRE_SCHEMA, log })
    )._unsafeUnwrap();
    supervisor.onRestarted(() => events.push("opened"));
  });
  afterEach(async () => {
    space.stop();
    await rm(directory, { recursive: true });
  });

  it("shuts down the engine that is opened meanwhile", async () => {
    let closed: ReturnType<Supervisor["close"]> | undefined;
    onOpening = () => {
      closed ??= supervisor.close();
    };
    expect(await supervisor.restart("on purpose")).toBe(true);
    expect(await closed).toEqual(ok());
    expect(events).toEqual(["opened"]);
  });

  it("settles after the engine that is opened meanwhile has ended", async () => {
    let killed: Promise<void> | undefined;
    onOpening = () => {
      killed ??= supervisor.kill().then(() => void events.push("killed"));
    };
    await supervisor.restart("on purpose");
    await killed;
    expect(events).toEqual(["opened", "killed"]);
  });

  it("opens no engine after a close that begins before the attempt", async () => {
    const restarted = supervisor.restart("on purpose");
    while (supervisor.isServing()) await new Promise((resolve) => setImmediate(resolve));
    expect((await supervisor.close()).isErr()).toBe(true);
    expect(await restarted).toBe(false);
    expect(events).toEqual([]);
  });
});
