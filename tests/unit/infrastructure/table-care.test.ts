import { describe, expect, it } from "vitest";
import { reusableBytes, tableCare, type TableActivity } from "../../../src/infrastructure/pglite/client/table-care.ts";

const MIB = 1_048_576;

const posts = (activity: Partial<TableActivity> = {}): TableActivity => ({
  table: "posts",
  owner: null,
  liveRows: 100,
  deadRows: 0,
  insertedSinceVacuum: 0,
  changedSinceAnalyze: 0,
  analysedRows: 100,
  bytes: 100 * 8192,
  ...activity,
});
const toast = (activity: Partial<TableActivity> = {}) =>
  posts({ table: "pg_toast.pg_toast_16400", owner: "posts", liveRows: 525, bytes: MIB, ...activity });

describe("what upkeep does with tables", () => {
  it("leaves alone those in which little has changed", () => {
    expect(tableCare([posts({ deadRows: 9999 }), toast({ deadRows: 500 })], false)).toEqual([]);
  });

  it("vacuums after 10,000 dead or new rows", () => {
    const vacuum = [{ table: "posts", vacuum: true, analyze: false }];
    expect(tableCare([posts({ deadRows: 10_000 })], false)).toEqual(vacuum);
    expect(tableCare([posts({ deadRows: 4000, insertedSinceVacuum: 6000 })], false)).toEqual(vacuum);
  });

  it("vacuums after 16 MiB of dead bytes, which sixteen edits of one post of 1 MiB leave in its TOAST table", () => {
    const edited = (edits: number) => toast({ deadRows: edits * 525, bytes: (1 + edits) * MIB });
    expect(tableCare([posts({ deadRows: 14 }), edited(14)], false)).toEqual([]);
    expect(tableCare([posts({ deadRows: 17 }), edited(17)], false)).toEqual([
      { table: "pg_toast.pg_toast_16400", vacuum: true, analyze: false },
    ]);
  });

  it("does not take the free space of a large file for dead bytes", () => {
    expect(tableCare([toast({ liveRows: 1, deadRows: 525, bytes: 500 * MIB })], false)).toEqual([]);
  });

  it("vacuums a TOAST table with its table, and once", () => {
    expect(tableCare([posts({ deadRows: 10_000 }), toast({ deadRows: 20_000, bytes: 40 * MIB })], false)).toEqual([
      { table: "posts", vacuum: true, analyze: false },
    ]);
  });

  it("analyses after a tenth of the rows, and 50, have changed", () => {
    expect(tableCare([posts({ changedSinceAnalyze: 59 })], false)).toEqual([]);
    expect(tableCare([posts({ changedSinceAnalyze: 60 })], false)).toEqual([
      { table: "posts", vacuum: false, analyze: true },
    ]);
    // -1: it was never analysed.
    expect(tableCare([posts({ changedSinceAnalyze: 50, analysedRows: -1 })], false)).toHaveLength(1);
  });

  it("vacuums all that is dead, and analyses nothing, while little space is free", () => {
    const care = tableCare([posts({ changedSinceAnalyze: 1000 }), toast({ deadRows: 1 })], true);
    expect(care).toEqual([{ table: "pg_toast.pg_toast_16400", vacuum: true, analyze: false }]);
  });

  it("counts as reusable what no row of the greatest length could take", () => {
    const tables = [posts({ liveRows: 100, bytes: MIB }), toast({ liveRows: 1024, bytes: 10 * MIB })];
    expect(reusableBytes(tables)).toBe(MIB - 100 * 2048 + 8 * MIB);
    expect(reusableBytes([posts({ liveRows: 1_000_000 })])).toBe(0);
  });
});
