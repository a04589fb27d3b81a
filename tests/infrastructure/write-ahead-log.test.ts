import { closeSync, existsSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PGlite } from "@electric-sql/pglite";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readControlFile, type ControlFile } from "../../src/infrastructure/pglite/integrity/control-file.ts";
import { crc32c } from "../../src/infrastructure/pglite/integrity/crc32c.ts";
import { formatLsn, parseLsn, type Lsn } from "../../src/infrastructure/sql/lsn.ts";
import { endOfWal, logReaches } from "../../src/infrastructure/pglite/integrity/write-ahead-log.ts";
import { copyDirectory, openPlainEngine, copyTemplateCluster } from "../support/plain-engine.ts";

const MIB = 2 ** 20;
const SEGMENT = 16 * MIB;
const PAGE = 8192;

let temporary: string;
let cluster: string;
let engine: PGlite;

beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), "quire-log-"));
  cluster = await copyTemplateCluster(temporary);
  engine = await openPlainEngine(cluster);
  await engine.exec("create table notes (id int primary key generated always as identity, text text not null)");
  // Without compression, so that a text has the same length in the log.
  await engine.exec("alter table notes alter column text set storage external");
});
afterAll(async () => {
  await engine.close();
  await rm(temporary, { recursive: true });
});

function controlOf(at: string): ControlFile {
  const control = readControlFile(at);
  if (control === null) throw new Error("The control file cannot be read.");
  return control;
}

const endOf = (at = cluster): Lsn => endOfWal(at, controlOf(at));

async function position(of: "flush" | "insert"): Promise<Lsn> {
  const { rows } = await engine.query<{ lsn: string }>(`select pg_current_wal_${of}_lsn() as lsn`);
  return parseLsn(rows[0]?.lsn ?? "") as Lsn;
}

const insertNote = async (bytes: number) => engine.query("insert into notes (text) values ($1)", ["n".repeat(bytes)]);

/** Writes and flushes a logical message, whose record is 50 bytes longer than the text. */
const emit = async (text: string) => engine.query("select pg_logical_emit_message(false, 'test', $1, true)", [text]);
const MESSAGE_BYTES = 50;

/** Returns the number of a segment from its file name, or -1 for another file. */
const segmentNumber = (name: string) => (/^[0-9A-F]{24}$/.test(name) ? BigInt(`0x${name.slice(16)}`) : -1n);

/** Writes a record that ends `before` bytes before the end of a page. */
async function fillPage(before: number): Promise<void> {
  // The first page of a segment has a longer header.
  if ((await position("insert")) % BigInt(SEGMENT) > SEGMENT - PAGE) await emit("p".repeat(PAGE));
  const start = Number((await position("insert")) % BigInt(PAGE));
  const onNextPage = PAGE - 24 - before;
  await emit("p".repeat(PAGE - start + onNextPage - MESSAGE_BYTES));
  expect(Number((await position("flush")) % BigInt(PAGE))).toBe((PAGE - before) % PAGE);
}

/** Compares formatted LSNs, so that a failure is readable. */
const expectFlushed = async () => expect(formatLsn(endOf())).toBe(formatLsn(await position("flush")));

describe("the end of the log", () => {
  it("equals the flush position of PostgreSQL after each of many statements", async () => {
    const bytes = fc.sample(fc.oneof(fc.nat(300), fc.nat(3 * PAGE), fc.nat(100_000)), 80);
    const ends = new Set<string>();
    for (const [index, count] of bytes.entries()) {
      await (index % 2 === 0 ? insertNote(count) : emit("m".repeat(count)));
      await expectFlushed();
      ends.add(formatLsn(endOf()));
    }
    expect(ends.size).toBe(bytes.length);
  });

  it("is found after a row of 1 MiB and a record of 1 MiB", async () => {
    await insertNote(MIB);
    await expectFlushed();
    await emit("m".repeat(MIB));
    await expectFlushed();
  });

  it("is found after a checkpoint, and after later full-page images", async () => {
    await engine.exec("checkpoint");
    await expectFlushed();
    const end = endOf();
    expect(end).toBeGreaterThan(controlOf(cluster).checkpoint);
    expect(logReaches(end, end, SEGMENT)).toBe(true);
    expect(logReaches(end, end + 8n, SEGMENT)).toBe(false);
    await engine.exec("update notes set text = text || '.' where length(text) < 1000");
    await expectFlushed();
  });

  it.each([8, 16, 24, 32])("is found with %i bytes left on a page, and after the next records", async (before) => {
    await fillPage(before);
    await expectFlushed();
    await emit("next");
    await expectFlushed();
    await insertNote(10);
    await expectFlushed();
  });

  it("is the end of a full page, for the flush and the insert position of PostgreSQL", async () => {
    await fillPage(0);
    await expectFlushed();
    const [end, flushed, inserted] = [endOf(), await position("flush"), await position("insert")];
    expect(inserted - flushed).toBe(24n);
    expect(logReaches(end, flushed, SEGMENT)).toBe(true);
    expect(logReaches(end, inserted, SEGMENT)).toBe(true);
    expect(logReaches(end, inserted + 1n, SEGMENT)).toBe(false);
    await emit("next");
    await expectFlushed();
    expect(logReaches(end, await position("flush"), SEGMENT)).toBe(false);
  });

  it("is the end of the segment after a switch to the next one", async () => {
    await emit("before");
    await engine.query("select pg_switch_wal()");
    await expectFlushed();
    const [end, inserted] = [endOf(), await position("insert")];
    expect(end % BigInt(SEGMENT)).toBe(0n);
    expect(inserted - end).toBe(40n);
    expect(logReaches(end, inserted, SEGMENT)).toBe(true);
    expect(logReaches(end, inserted + 1n, SEGMENT)).toBe(false);
    await emit("after");
    await expectFlushed();
  });

  it("is found in the third segment, and in recycled segments with old records", async () => {
    for (let count = 0; count < 80; count += 1) {
      await emit("m".repeat(MIB));
      if (count % 20 === 0) await expectFlushed();
    }
    expect(endOf() - controlOf(cluster).redo).toBeGreaterThan(3 * SEGMENT);
    await engine.exec("checkpoint");
    await expectFlushed();
    const ahead = readdirSync(join(cluster, "pg_wal")).filter(
      (name) => segmentNumber(name) > endOf() / BigInt(SEGMENT),
    );
    expect(ahead.length).toBeGreaterThan(2);
    for (const name of ahead) {
      const address = (await readFile(join(cluster, "pg_wal", name))).readBigUInt64LE(8);
      expect(address).toBeGreaterThan(0n);
      expect(address).toBeLessThan(segmentNumber(name) * BigInt(SEGMENT));
    }
    for (let count = 0; count < 40; count += 1) {
      await emit("m".repeat(MIB + count * 8));
      await expectFlushed();
    }
  });
});

describe("a damaged log", () => {
  /** The control file and the log of an engine that was killed after its last record. */
  let crashed: string;
  let control: ControlFile;
  let end: Lsn;
  /** One record of several pages, among others. */
  let record: { readonly start: Lsn; readonly end: Lsn };
  /** The end of a record that fills its page. */
  let fullPage: Lsn;
  let copy: string;

  const segmentOf = (at: Lsn, of = copy) => join(of, "pg_wal", segmentName(Number(at / BigInt(SEGMENT))));
  const segmentName = (segment: number) => `0000000100000000${segment.toString(16).toUpperCase().padStart(8, "0")}`;

  beforeAll(async () => {
    await engine.query("select pg_switch_wal()");
    // Moves the checkpoint beyond the first page of its segment, which contains the system identifier.
    await emit("m".repeat(3 * PAGE));
    await engine.exec("checkpoint");
    for (const bytes of fc.sample(fc.nat(3 * PAGE), 50)) await insertNote(bytes);
    await emit("before");
    const start = await position("flush");
    await emit("r".repeat(50_000));
    record = { start, end: await position("flush") };
    await fillPage(0);
    fullPage = await position("flush");
    for (const bytes of fc.sample(fc.nat(3 * PAGE), 50)) await insertNote(bytes);
    for (let count = 0; count < 33; count += 1) await emit("m".repeat(MIB));
    end = await position("flush");
    crashed = join(temporary, "crashed");
    control = controlOf(cluster);
    await mkdir(join(crashed, "global"), { recursive: true });
    await copyFile(join(cluster, "global", "pg_control"), join(crashed, "global", "pg_control"));
    await mkdir(join(crashed, "pg_wal"));
    for (let at = control.redo; at < end + BigInt(SEGMENT); at += BigInt(SEGMENT)) {
      if (existsSync(segmentOf(at, cluster))) await copyFile(segmentOf(at, cluster), segmentOf(at, crashed));
    }
  });
  beforeEach(async () => {
    copy = join(temporary, "copy");
    await rm(copy, { recursive: true, force: true });
    await copyDirectory(crashed, copy);
  });

  /** Changes a byte of the log temporarily. Returns the original byte and the end of the changed log. */
  function endWithOtherByte(at: number, mask: number): { readonly byte: number; readonly end: Lsn } {
    const descriptor = openSync(segmentOf(BigInt(at)), "r+");
    const byte = new Uint8Array(1);
    readSync(descriptor, byte, 0, 1, at % SEGMENT);
    writeSync(descriptor, new Uint8Array([(byte[0] as number) ^ mask]), 0, 1, at % SEGMENT);
    const changed = endOf(copy);
    writeSync(descriptor, byte, 0, 1, at % SEGMENT);
    closeSync(descriptor);
    return { byte: byte[0] as number, end: changed };
  }

  const aMask = fc.integer({ min: 1, max: 255 });
  const isInPageHeader = (at: number) => at % PAGE < (at % SEGMENT < PAGE ? 40 : 24);

  it("ends at its real end without damage", () => {
    expect(formatLsn(endOf(copy))).toBe(formatLsn(end));
    expect(end / BigInt(SEGMENT) - control.redo / BigInt(SEGMENT)).toBe(2n);
  });

  it("ends at the start of a record with any changed byte", () => {
    const padding = (8 - ((50_000 + MESSAGE_BYTES) % 8)) % 8;
    const aPosition = fc.integer({ min: Number(record.start), max: Number(record.end) - padding - 1 });
    fc.assert(
      fc.property(aPosition, aMask, (at, mask) => {
        fc.pre(!isInPageHeader(at));
        expect(endWithOtherByte(at, mask).end).toBe(record.start);
      }),
    );
    expect(formatLsn(endOf(copy))).toBe(formatLsn(end));
  });

  it("ends before any changed byte, except unused bytes", () => {
    const aPosition = fc.integer({ min: Number(control.redo), max: Number(control.redo) + MIB });
    fc.assert(
      fc.property(aPosition, aMask, (at, mask) => {
        const changed = endWithOtherByte(at, mask);
        if (changed.end > at) {
          expect(formatLsn(changed.end)).toBe(formatLsn(end));
          // The padding after a record, and unused fields of a page header.
          expect(changed.byte === 0 || isInPageHeader(at)).toBe(true);
        }
      }),
    );
  });

  it.each([
    ["another magic", 0, 0x80],
    ["an unknown flag", 3, 0x80],
    ["a missing continuation flag", 2, 1],
    ["another timeline", 4, 0x80],
    ["another address", 10, 0x80],
    ["another remaining length", 16, 0x80],
  ])("ends before a page with %s", (_, offset, mask) => {
    // The second page of the record is the first one that contains only its continuation.
    const page = (Math.floor(Number(record.start) / PAGE) + 2) * PAGE;
    expect(endWithOtherByte(page + offset, mask).end).toBe(record.start);
  });

  it("ends before a page with an unexpected continuation flag", () => {
    expect(endWithOtherByte(Number(fullPage) + 2, 1).end).toBe(fullPage);
  });

  it.each([
    ["another system identifier", 24, 0x80],
    ["another segment size", 32, 0x80],
    ["another page size", 36, 0x80],
    ["a short header", 2, 2],
  ])("ends before a segment with %s, and at redo when redo is in that segment", (_, offset, mask) => {
    const next = (Number(control.redo / BigInt(SEGMENT)) + 1) * SEGMENT;
    expect(endWithOtherByte(next + offset, mask).end).toBeLessThanOrEqual(next);
    expect(Number(control.redo) % SEGMENT).toBeGreaterThan(PAGE);
    expect(endWithOtherByte(next - SEGMENT + offset, mask).end).toBe(control.redo);
  });

  it("ends before a missing segment, and at redo when the first segment is missing", async () => {
    const second = (control.redo / BigInt(SEGMENT) + 1n) * BigInt(SEGMENT);
    await rm(segmentOf(second));
    expect(endOf(copy)).toBeLessThanOrEqual(second);
    expect(endOf(copy)).toBeGreaterThan(second - BigInt(2 * MIB));
    await rm(segmentOf(control.redo));
    expect(endOf(copy)).toBe(control.redo);
  });

  it("ends before the missing part of a truncated segment", async () => {
    const second = (control.redo / BigInt(SEGMENT) + 1n) * BigInt(SEGMENT);
    for (const bytes of [5 * MIB, 3 * MIB + 100, 100, 0]) {
      await truncate(segmentOf(second), bytes);
      expect(endOf(copy)).toBeLessThanOrEqual(second + BigInt(bytes));
      expect(endOf(copy)).toBeGreaterThan(second + BigInt(bytes) - BigInt(2 * MIB));
    }
  });

  it("ends before a segment of zeros or with the records of another segment", async () => {
    const second = (control.redo / BigInt(SEGMENT) + 1n) * BigInt(SEGMENT);
    for (const contents of [new Uint8Array(SEGMENT), await readFile(segmentOf(control.redo))]) {
      await writeFile(segmentOf(second), contents);
      expect(endOf(copy)).toBeLessThanOrEqual(second);
      expect(endOf(copy)).toBeGreaterThan(second - BigInt(2 * MIB));
    }
  });

  it("ends before a truncated page", async () => {
    const bytes = await readFile(segmentOf(control.redo));
    const at = Number(control.redo % BigInt(SEGMENT));
    await truncate(segmentOf(control.redo), at + bytes.readUInt32LE(at) + 8);
    expect(endOf(copy)).toBe(control.redo);
  });

  /** Changes the header of the record at `at`, and updates its checksum. */
  async function forge(at: number, change: (header: Buffer) => void): Promise<void> {
    const bytes = await readFile(segmentOf(BigInt(at)));
    const places: number[] = [];
    for (let place = at % SEGMENT; places.length < bytes.readUInt32LE(at % SEGMENT); place += 1) {
      if (!isInPageHeader(place)) places.push(place);
    }
    const forged = Buffer.from(places.map((place) => bytes[place] as number));
    const view = new DataView(forged.buffer, forged.byteOffset, forged.byteLength);
    const checksum = () => crc32c(view, 0, 20, crc32c(view, 24, Math.max(24, view.getUint32(0, true))));
    expect(checksum()).toBe(view.getUint32(20, true));
    change(forged);
    view.setUint32(20, checksum(), true);
    for (const [index, place] of places.entries()) bytes[place] = forged[index] as number;
    await writeFile(segmentOf(BigInt(at)), bytes);
  }

  it.each([
    ["on one page", async () => Number(control.redo) + (await recordLength(control.redo))],
    ["of several pages", async () => Number(record.start)],
  ])("ends before a valid record %s with a wrong link to the previous record", async (_, find) => {
    const at = await find();
    await forge(at, (header) => header.writeUInt32LE(header.readUInt32LE(8) - 8, 8));
    expect(endOf(copy)).toBe(BigInt(at));
  });

  it("ends before a record whose length is shorter than its header", async () => {
    const at = Number(control.redo) + (await recordLength(control.redo));
    await forge(at, (header) => header.writeUInt32LE(16, 0));
    expect(endOf(copy)).toBe(BigInt(at));
  });

  /** Returns the aligned length of a record. */
  async function recordLength(at: Lsn): Promise<number> {
    const length = (await readFile(segmentOf(at))).readUInt32LE(Number(at % BigInt(SEGMENT)));
    return Math.ceil(length / 8) * 8;
  }

  it("ends at redo when redo is in the last bytes of a segment", () => {
    const redo = (control.redo / BigInt(SEGMENT) + 1n) * BigInt(SEGMENT) - 3n;
    expect(endOfWal(copy, { ...control, redo })).toBe(redo);
  });

  it("ends at redo when no record starts there", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: control.redo + 1n, max: end + BigInt(SEGMENT) }), (redo) => {
        const found = endOfWal(copy, { ...control, redo });
        expect([redo, end]).toContain(found);
      }),
    );
  });

  it("has an end at or after redo, without an exception, when its files contain random bytes", () => {
    const segment = Number(control.redo / BigInt(SEGMENT));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 4 * PAGE, size: "max" }), (noise) => {
        const descriptor = openSync(segmentOf(control.redo), "r+");
        writeSync(descriptor, noise, 0, noise.length, 40);
        closeSync(descriptor);
        expect(endOf(copy)).toBeGreaterThanOrEqual(control.redo);
        const redo = BigInt(segment * SEGMENT + 40);
        expect(endOfWal(copy, { ...control, redo })).toBeGreaterThanOrEqual(redo);
      }),
      { numRuns: 20 },
    );
  });
});

describe("a log with a truncated last record after a crash", () => {
  it("continues where crash recovery has overwritten that record", async () => {
    const directory = join(temporary, "cut-off");
    await copyDirectory(cluster, join(directory, "cluster"));
    const restored = join(directory, "cluster");
    const first = await openPlainEngine(restored);
    await first.exec("checkpoint");
    const before = controlOf(restored);
    const started = await first.query<{ lsn: string }>("select pg_current_wal_insert_lsn() as lsn");
    await first.query("select pg_logical_emit_message(false, 'test', repeat('c', 50000), true)");
    await copyDirectory(restored, join(directory, "crashed"));
    await first.close();
    const lost = Math.floor((Number(parseLsn(started.rows[0]?.lsn ?? "")) % SEGMENT) / PAGE) * PAGE + 2 * PAGE;
    const crashed = join(directory, "crashed");
    const segment = readdirSync(join(crashed, "pg_wal")).find((name) =>
      name.endsWith((before.redo / BigInt(SEGMENT)).toString(16).toUpperCase().padStart(8, "0")),
    );
    const descriptor = openSync(join(crashed, "pg_wal", segment ?? ""), "r+");
    writeSync(descriptor, new Uint8Array(10 * PAGE), 0, 10 * PAGE, lost);
    closeSync(descriptor);
    const second = await openPlainEngine(crashed);
    await second.query("select pg_logical_emit_message(false, 'test', 'after', true)");
    const { rows } = await second.query<{ lsn: string }>("select pg_current_wal_flush_lsn() as lsn");
    expect(formatLsn(endOfWal(crashed, before))).toBe(rows[0]?.lsn);
    expect(controlOf(crashed).redo).toBeGreaterThan(before.redo);
    expect(formatLsn(endOf(crashed))).toBe(rows[0]?.lsn);
    await second.close();
  });
});
