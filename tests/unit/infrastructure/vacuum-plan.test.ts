import { describe, expect, it } from "vitest";
import {
  deadEntriesAfter,
  freezeTask,
  planVacuum as planWith,
  reusableBytes,
  type DeadEntries,
  type TableActivity,
} from "../../../src/infrastructure/pglite/client/vacuum-plan.ts";

const MIB = 1_048_576;
const planVacuum = (tables: readonly TableActivity[], isDiskLow: boolean, deadEntries: DeadEntries = new Map()) =>
  planWith(tables, isDiskLow, deadEntries);

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

describe("the vacuum plan", () => {
  it("leaves out tables with few changes", () => {
    expect(planVacuum([posts({ deadRows: 9999 }), toast({ deadRows: 500 })], false)).toEqual([]);
  });

  it("vacuums a table after 10,000 dead or new rows", () => {
    const vacuum = [{ table: "posts", vacuum: "rows_and_indexes", analyze: false }];
    expect(planVacuum([posts({ deadRows: 10_000 })], false)).toEqual(vacuum);
    expect(planVacuum([posts({ deadRows: 4000, insertedSinceVacuum: 6000 })], false)).toEqual(vacuum);
  });

  it("vacuums no indexes for new rows alone", () => {
    expect(planVacuum([posts({ insertedSinceVacuum: 9_001, deadRows: 999 })], false)).toEqual([
      { table: "posts", vacuum: "rows", analyze: false },
    ]);
  });

  it("vacuums the indexes again when they have entries of as many dead rows as a fifth of all rows", () => {
    const vacuumOf = (deadRows: number, left: number) =>
      planVacuum([posts({ liveRows: 100_000, deadRows })], false, new Map([["posts", left]])).map(
        ({ vacuum }) => vacuum,
      );
    expect(vacuumOf(10_000, 0)).toEqual(["rows"]);
    expect(vacuumOf(19_999, 0)).toEqual(["rows"]);
    expect(vacuumOf(20_000, 0)).toEqual(["rows_and_indexes"]);
    expect(vacuumOf(15_000, 5_000)).toEqual(["rows_and_indexes"]);
  });

  it("does not vacuum again for dead rows that have only entries left, which an analysis counts", () => {
    expect(planVacuum([posts({ liveRows: 100_000, deadRows: 19_999 })], false, new Map([["posts", 10_000]]))).toEqual(
      [],
    );
  });

  it("counts the dead entries of a table from its first vacuum with indexes", () => {
    const tables = [posts({ deadRows: 10_000 }), toast({ deadRows: 500 })];
    const rows = { table: "posts", vacuum: "rows", analyze: false } as const;
    expect(deadEntriesAfter(rows, tables, new Map())).toEqual(new Map());
    const cleaned = deadEntriesAfter({ ...rows, vacuum: "rows_and_indexes" }, tables, new Map([["posts", 7]]));
    expect(cleaned).toEqual(new Map([["posts", 0]]));
    const later = deadEntriesAfter(rows, tables, cleaned);
    expect(later).toEqual(new Map([["posts", 10_000]]));
    expect(deadEntriesAfter({ ...rows, vacuum: "none", analyze: true }, tables, later)).toBe(later);
    expect(deadEntriesAfter(freezeTask("posts"), tables, later)).toEqual(new Map([["posts", 20_000]]));
  });

  it("vacuums a TOAST table after 16 MiB of dead bytes, as sixteen edits of a post of 1 MiB leave", () => {
    const edited = (edits: number) => toast({ deadRows: edits * 525, bytes: (1 + edits) * MIB });
    expect(planVacuum([posts({ deadRows: 14 }), edited(14)], false)).toEqual([]);
    expect(planVacuum([posts({ deadRows: 17 }), edited(17)], false)).toEqual([
      { table: "pg_toast.pg_toast_16400", vacuum: "rows_and_indexes", analyze: false },
    ]);
  });

  it("does not count the free space of a large file as dead bytes", () => {
    expect(planVacuum([toast({ liveRows: 1, deadRows: 525, bytes: 500 * MIB })], false)).toEqual([]);
  });

  it("vacuums a TOAST table for its own dead rows only, and not for new ones", () => {
    const vacuumed = (changed: Partial<TableActivity>) =>
      planVacuum([posts({ deadRows: 10_000 }), toast({ bytes: 40 * MIB, ...changed })], false).map(
        ({ table }) => table,
      );
    expect(vacuumed({ deadRows: 20_000 })).toEqual(["posts", "pg_toast.pg_toast_16400"]);
    expect(vacuumed({ insertedSinceVacuum: 20_000 })).toEqual(["posts"]);
  });

  it("analyses a table after 50 rows and a tenth of all rows have changed", () => {
    expect(planVacuum([posts({ changedSinceAnalyze: 59 })], false)).toEqual([]);
    expect(planVacuum([posts({ changedSinceAnalyze: 60 })], false)).toEqual([
      { table: "posts", vacuum: "none", analyze: true },
    ]);
    // -1: it was never analysed.
    expect(planVacuum([posts({ changedSinceAnalyze: 50, analysedRows: -1 })], false)).toHaveLength(1);
  });

  it("vacuums every table with dead rows and analyses none on a low disk", () => {
    const care = planVacuum([posts({ changedSinceAnalyze: 1000 }), toast({ deadRows: 1 })], true);
    expect(care).toEqual([{ table: "pg_toast.pg_toast_16400", vacuum: "rows_and_indexes", analyze: false }]);
  });

  it("counts only the bytes beyond rows of maximum length as reusable", () => {
    const tables = [posts({ liveRows: 100, bytes: MIB }), toast({ liveRows: 1024, bytes: 10 * MIB })];
    expect(reusableBytes(tables)).toBe(MIB - 100 * 2048 + 8 * MIB);
    expect(reusableBytes([posts({ liveRows: 1_000_000 })])).toBe(0);
  });
});
