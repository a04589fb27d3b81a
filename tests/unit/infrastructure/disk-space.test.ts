import { statSync } from "node:fs";
import { mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { diskSpace, type DiskSpace } from "../../../src/infrastructure/pglite/directory/disk-space.ts";
import type { FreeSpace } from "../../../src/infrastructure/pglite/directory/free-space.ts";
import { RESERVE_FILE } from "../../../src/infrastructure/pglite/directory/layout.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

const MIB = 1_048_576;
const WATERMARK_BYTES = 64 * MIB;
/** Two such writes exceed the share of the watermark that a measurement may miss. */
const LARGE_WRITE_BYTES = 3 * MIB;

let directory: string;
let free: FreeSpace;
/** The number of measurements that have begun, and the functions that end those in flight. */
let looks: number;
let pending: (() => void)[];
let isHanging: boolean;
let space: DiskSpace;
let log: ReturnType<typeof recordingLog>;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-space-"));
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
  free = { bytes: 1000 * MIB, inodes: 1000 };
  looks = 0;
  pending = [];
  isHanging = false;
  log = recordingLog();
});
afterEach(async () => {
  space.stop();
  vi.useRealTimers();
  await rm(directory, { recursive: true });
});

async function open(): Promise<void> {
  const readFreeSpace = async () => {
    looks++;
    if (isHanging) await new Promise<void>((settle) => pending.push(settle));
    return { ...free };
  };
  space = diskSpace({ directory, watermarkBytes: WATERMARK_BYTES, log, readFreeSpace });
  await space.refresh();
  looks = 0;
}

const settlePromises = async () => new Promise((settle) => setImmediate(settle));

/** Begins a write, and returns whether it began without waiting. */
async function begin(bytes: number) {
  let end: (() => void) | null = null;
  const begun = space.beginWrite(bytes).then((ending) => (end = ending));
  await settlePromises();
  return { hasBegun: () => end !== null, end: async () => (await begun)() };
}

describe("the disk space of a data directory", () => {
  it("is measured every 250 ms, and not by the request that needs it", async () => {
    await open();
    free = { bytes: WATERMARK_BYTES - 1, inodes: 1000 };
    expect(space.isLow()).toBe(false);
    await vi.advanceTimersByTimeAsync(250);
    expect(space.isLow()).toBe(true);
    expect(looks).toBe(1);
    free = { bytes: WATERMARK_BYTES, inodes: 1000 };
    await vi.advanceTimersByTimeAsync(250);
    expect(space.isLow()).toBe(false);
    free = { bytes: WATERMARK_BYTES, inodes: 63 };
    await vi.advanceTimersByTimeAsync(250);
    expect(space.isLow()).toBe(true);
  });

  it("has one measurement in flight, even on a disk that hangs, which counts as full after 5 s", async () => {
    await open();
    isHanging = true;
    await vi.advanceTimersByTimeAsync(4000);
    expect(looks).toBe(1);
    expect(space.isLow()).toBe(false);
    await vi.advanceTimersByTimeAsync(2000);
    expect(looks).toBe(1);
    expect(space.isLow()).toBe(true);
    isHanging = false;
    for (const end of pending) end();
    await vi.advanceTimersByTimeAsync(500);
    expect(space.isLow()).toBe(false);
  });

  it("is current after a refresh, even if an older measurement was in flight", async () => {
    await open();
    isHanging = true;
    void space.refresh();
    free = { bytes: 0, inodes: 1000 };
    const refreshed = space.refresh();
    isHanging = false;
    pending[0]?.();
    await refreshed;
    expect(looks).toBe(2);
    expect(space.isLow()).toBe(true);
  });
});

describe("a write", () => {
  it("waits for a measurement when the writes since the last one have used a share of the watermark", async () => {
    await open();
    const first = await begin(LARGE_WRITE_BYTES);
    await first.end();
    isHanging = true;
    const second = await begin(LARGE_WRITE_BYTES);
    expect(second.hasBegun()).toBe(false);
    expect(looks).toBe(1);
    pending[0]?.();
    await settlePromises();
    expect(second.hasBegun()).toBe(true);
    await second.end();
  });

  it("waits for the end of running writes that have used a share of the watermark", async () => {
    await open();
    const first = await begin(LARGE_WRITE_BYTES);
    const second = await begin(LARGE_WRITE_BYTES);
    expect(second.hasBegun()).toBe(false);
    expect(looks).toBe(0);
    await first.end();
    await settlePromises();
    expect(second.hasBegun()).toBe(true);
    await second.end();
  });

  it("does not wait while hundreds of small writes run", async () => {
    await open();
    const writes = await Promise.all(Array.from({ length: 500 }, async () => begin(1000)));
    expect(writes.every((write) => write.hasBegun())).toBe(true);
    expect(looks).toBe(0);
    for (const write of writes) await write.end();
  });

  it("does not wait when no other write runs, whatever its size", async () => {
    await open();
    const write = await begin(100 * MIB);
    expect(write.hasBegun()).toBe(true);
    await write.end();
  });

  it("waits for a disk that hangs only until the disk counts as full", async () => {
    await open();
    const first = await begin(LARGE_WRITE_BYTES);
    await first.end();
    isHanging = true;
    const second = await begin(LARGE_WRITE_BYTES);
    await vi.advanceTimersByTimeAsync(5000);
    await settlePromises();
    expect(second.hasBegun()).toBe(true);
    expect(space.isLow()).toBe(true);
    for (const end of pending) end();
  });
});

describe("the reserve", () => {
  const sizeOfReserve = async () => (await stat(join(directory, RESERVE_FILE)).catch(() => ({ size: 0 }))).size;

  it("is filled when the disk has space for it and the watermark, and not written again while it is complete", async () => {
    await open();
    await space.secureReserve();
    expect(await sizeOfReserve()).toBe(60 * MIB);
    const { ino } = await stat(join(directory, RESERVE_FILE));
    await space.secureReserve();
    expect((await stat(join(directory, RESERVE_FILE))).ino).toBe(ino);
  });

  it("is empty after its file was deleted, and releases nothing", async () => {
    await open();
    await space.secureReserve();
    await rm(join(directory, RESERVE_FILE));
    free = { bytes: 0, inodes: 1000 };
    expect(await space.canFree()).toBe(false);
    await space.releaseReserve();
    expect(await sizeOfReserve()).toBe(0);
  });

  it("logs a failure to release it, and refuses the write", async () => {
    await mkdir(join(directory, RESERVE_FILE, "in the way"), { recursive: true });
    free = { bytes: 0, inodes: 1000 };
    await open();
    await space.releaseReserve();
    expect(await space.canFree()).toBe(false);
    const messages = log.lines.map(({ message }) => message);
    expect(messages).toContain("the reserve for a shutdown on a full disk cannot be released");
  });

  it("is not filled when the disk has less space than both need", async () => {
    free = { bytes: WATERMARK_BYTES + 60 * MIB - 1, inodes: 1000 };
    await open();
    await space.secureReserve();
    expect(await sizeOfReserve()).toBe(0);
  });

  it("releases only a third for a write that frees space", async () => {
    await writeFile(join(directory, RESERVE_FILE), new Uint8Array(60 * MIB));
    free = { bytes: 0, inodes: 1000 };
    await open();
    expect(await space.canFree()).toBe(false);
    expect(await sizeOfReserve()).toBe(40 * MIB);
    expect(await space.canFree()).toBe(false);
    expect(await sizeOfReserve()).toBe(40 * MIB);
  });

  it("lets a write that frees space begin once a third is released and the disk shows it", async () => {
    const path = join(directory, RESERVE_FILE);
    await writeFile(path, new Uint8Array(60 * MIB));
    free = {
      get bytes() {
        return 60 * MIB - statSync(path).size;
      },
      inodes: 1000,
    };
    await open();
    expect(await space.canFree()).toBe(true);
    expect(await sizeOfReserve()).toBe(40 * MIB);
  });

  it("stays complete when too few inodes are free", async () => {
    await writeFile(join(directory, RESERVE_FILE), new Uint8Array(60 * MIB));
    free = { bytes: 0, inodes: 7 };
    await open();
    expect(await space.canFree()).toBe(false);
    expect(await sizeOfReserve()).toBe(60 * MIB);
  });

  it("releases a third to the engine each time", async () => {
    await writeFile(join(directory, RESERVE_FILE), new Uint8Array(60 * MIB));
    await open();
    for (const left of [40, 20, 0, 0]) {
      await space.releaseReserve();
      expect(await sizeOfReserve()).toBe(left * MIB);
    }
  });
});
