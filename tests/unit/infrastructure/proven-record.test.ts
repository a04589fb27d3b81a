import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readProven, recordProven } from "../../../src/infrastructure/pglite/backup/proven-record.ts";
import { PROVEN_BACKUP_FILE } from "../../../src/infrastructure/pglite/directory/layout.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-proven-"));
});
afterEach(async () => rm(directory, { recursive: true }));

describe("the record of the newest proven backup", () => {
  it("returns the time that was recorded last", async () => {
    expect(await readProven(directory)).toBeNull();
    await recordProven(directory, { createdAt: "2026-11-29T03:30:00.000Z", location: "/backups/one.tar.gz" });
    await recordProven(directory, { createdAt: "2026-11-30T03:30:00.000Z", location: "/backups/two.tar.gz" });
    expect(await readProven(directory)).toEqual(new Date("2026-11-30T03:30:00.000Z"));
  });

  it.each([
    ["text that is not JSON", "{"],
    ["a time that is not a date", JSON.stringify({ createdAt: "yesterday", location: "/backups/one.tar.gz" })],
    ["no location", JSON.stringify({ createdAt: "2026-11-30T03:30:00.000Z" })],
  ])("returns no time for a file with %s", async (_, text) => {
    await writeFile(join(directory, PROVEN_BACKUP_FILE), text);
    expect(await readProven(directory)).toBeNull();
  });

  it("throws nothing when the directory is missing", async () => {
    const record = { createdAt: "2026-11-30T03:30:00.000Z", location: "/backups/one.tar.gz" };
    await expect(recordProven(join(directory, "missing"), record)).resolves.toBeUndefined();
  });
});
