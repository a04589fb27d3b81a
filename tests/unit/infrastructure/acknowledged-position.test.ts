import fs from "node:fs";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACKNOWLEDGED_FILE } from "../../../src/infrastructure/pglite/directory/layout.ts";
import {
  openAcknowledgedPosition,
  readAcknowledgedPosition,
} from "../../../src/infrastructure/pglite/directory/acknowledged-position.ts";
import { formatLsn, parseLsn } from "../../../src/infrastructure/sql/lsn.ts";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-acknowledged-"));
  path = join(directory, ACKNOWLEDGED_FILE);
});
afterEach(async () => rm(directory, { recursive: true }));

/** Returns the inodes that are flushed to disk while `task` runs. */
function flushedBy(task: () => void): readonly number[] {
  const original = fs.fsyncSync;
  const flushed: number[] = [];
  fs.fsyncSync = (descriptor) => {
    flushed.push(fs.fstatSync(descriptor).ino);
    original(descriptor);
  };
  syncBuiltinESMExports();
  try {
    task();
  } finally {
    fs.fsyncSync = original;
    syncBuiltinESMExports();
  }
  return flushed;
}

describe("the acknowledged position", () => {
  it("is 0/0 in a new file, which is private and flushed to disk with its directory", async () => {
    const flushed = flushedBy(() => openAcknowledgedPosition(directory).close());
    expect(flushed).toEqual([(await stat(path)).ino, (await stat(directory)).ino]);
    expect((await stat(path)).mode & 0o077).toBe(0);
    expect(readAcknowledgedPosition(directory)).toBe(0n);
  });

  it("is readable while the file is open, and has a fixed length", async () => {
    const position = openAcknowledgedPosition(directory);
    position.record(0x16e_f9d0n);
    expect(await readFile(path, "utf8")).toBe("00000000/016EF9D0\n");
    for (const lsn of [0xffff_ffffn, 0x1_0000_0000n, 0xffff_ffff_ffff_ffffn]) {
      position.record(lsn);
      expect(readAcknowledgedPosition(directory)).toBe(lsn);
      expect((await stat(path)).size).toBe(18);
    }
    position.close();
  });

  it("is recorded without a flush", () => {
    const position = openAcknowledgedPosition(directory);
    expect(flushedBy(() => position.record(1n))).toEqual([]);
    position.close();
  });

  it("never decreases, also after it is reopened", () => {
    const position = openAcknowledgedPosition(directory);
    for (const lsn of [100n, 99n, 0n, 100n]) position.record(lsn);
    expect(readAcknowledgedPosition(directory)).toBe(100n);
    position.close();
    const again = openAcknowledgedPosition(directory);
    expect(readAcknowledgedPosition(directory)).toBe(100n);
    again.record(99n);
    expect(readAcknowledgedPosition(directory)).toBe(100n);
    again.record(101n);
    expect(readAcknowledgedPosition(directory)).toBe(101n);
    again.close();
  });

  it("is closed only once, so that a second close does not close a reused file descriptor", () => {
    const position = openAcknowledgedPosition(directory);
    position.close();
    const other = fs.openSync(join(directory, "another"), "w");
    position.close();
    expect(fs.fstatSync(other).isFile()).toBe(true);
    fs.closeSync(other);
  });

  it("is null when the file is missing", () => {
    expect(readAcknowledgedPosition(directory)).toBeNull();
  });

  it.each([
    ["no characters", ""],
    ["half a position", "00000000/016E"],
    ["no newline", "00000000/016EF9D0"],
    ["zeros of a lost block", "\0".repeat(18)],
    ["an additional newline", "00000000/016EF9D0\n\n"],
    ["another format", "0/16EF9D0\n"],
  ])("is null when the file contains %s, and can be recorded again", async (_, contents) => {
    await writeFile(path, contents);
    expect(readAcknowledgedPosition(directory)).toBeNull();
    const position = openAcknowledgedPosition(directory);
    position.record(5n);
    expect(readAcknowledgedPosition(directory)).toBe(5n);
    position.close();
  });

  it("throws when the directory is missing", () => {
    expect(() => openAcknowledgedPosition(join(directory, "missing"))).toThrow(/ENOENT/);
  });
});

describe("an LSN", () => {
  it("is formatted as in PostgreSQL", () => {
    expect(formatLsn(0x16e_f9d0n)).toBe("0/16EF9D0");
    expect(formatLsn(0xab_0000_000fn)).toBe("AB/F");
  });

  it("is parsed from its formatted text", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (lsn) => {
        expect(parseLsn(formatLsn(lsn))).toBe(lsn);
      }),
    );
  });

  it.each(["", "0", "0/", "/0", "0/123456789", "123456789/0", "0/G", " 0/0", "0/0\n", "-1/0"])(
    "is null when the text is %j",
    (text) => {
      expect(parseLsn(text)).toBeNull();
    },
  );
});
