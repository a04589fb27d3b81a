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
    expect(planVacuum([posts({ deadRows: 999, insertedSinceVacuum: 9 }), toast({ deadRows: 500 })], false)).toEqual([]);
  });

  it("vacuums a table after 10,000 new rows, or 1,000 dead ones, whose pages are all over the table", () => {
    const vacuum = [{ table: "posts", vacuum: "rows", analyze: false }];
    const many = { liveRows: 100_000 };
    expect(planVacuum([posts({ ...many, insertedSinceVacuum: 10_000 })], false)).toEqual(vacuum);
    expect(planVacuum([posts({ ...many, deadRows: 1000 })], false)).toEqual(vacuum);
    expect(planVacuum([posts({ ...many, deadRows: 400, insertedSinceVacuum: 6000 })], false)).toEqual(vacuum);
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
    expect(planVacuum([posts({ liveRows: 100_000, deadRows: 10_999 })], false, new Map([["posts", 10_000]]))).toEqual(
      [],
    );
  });

  it("counts the dead entries since the last vacuum of the indexes", () => {
    const tables = [posts({ deadRows: 1_000 }), toast({ deadRows: 500 })];
    const rows = { table: "posts", vacuum: "rows", analyze: false } as const;
    const once = deadEntriesAfter(rows, tables, new Map());
    expect(once).toEqual(new Map([["posts", 1_000]]));
    expect(deadEntriesAfter({ ...rows, vacuum: "none", analyze: true }, tables, once)).toBe(once);
    const twice = deadEntriesAfter(freezeTask("posts"), tables, once);
    expect(twice).toEqual(new Map([["posts", 2_000]]));
    const cleaned = deadEntriesAfter({ ...rows, vacuum: "rows_and_indexes" }, tables, twice);
    expect(cleaned).toEqual(new Map([["posts", 0]]));
  });

  it("does not vacuum all indexes after a start because of a few dead rows, and counts what an analysis finds", () => {
    const vacuumOf = (deadRows: number) => planVacuum([posts({ liveRows: 100_000, deadRows })], false)[0]?.vacuum;
    expect(vacuumOf(1_000)).toBe("rows");
    expect(vacuumOf(20_000)).toBe("rows_and_indexes");
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
