import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { tablesToFreeze } from "../../src/infrastructure/pglite/client/freeze.ts";
import { freezeTask, maintenanceCommand, type TableTask } from "../../src/infrastructure/pglite/client/vacuum-plan.ts";
import { rawClient } from "../support/raw-client.ts";
import { openTemplate } from "../support/test-storage.ts";

describe("the maintenance of a table", () => {
  let engine: PGlite;

  beforeAll(async () => {
    engine = await openTemplate();
    await engine.exec("create table edited as select n from generate_series(1, 10000) n; create index on edited (n)");
  });
  afterAll(async () => engine.close());

  const run = async (task: Omit<TableTask, "table">, returnsSpace = false) =>
    engine.exec(maintenanceCommand({ table: "edited", ...task }, returnsSpace));
  const deadRows = async () => {
    await engine.exec("select pg_stat_force_next_flush()");
    const { rows } = await engine.query<{ dead: number }>(
      "select n_dead_tup::int as dead from pg_stat_all_tables where relname = 'edited'",
    );
    return rows[0]?.dead;
  };

  it.each([
    [{ vacuum: "none", analyze: true }, false],
    [{ vacuum: "rows", analyze: false }, false],
    [{ vacuum: "rows", analyze: true }, false],
    [{ vacuum: "rows_and_indexes", analyze: false }, false],
    [{ vacuum: "rows_and_indexes", analyze: true }, false],
    [{ vacuum: "rows_and_indexes", analyze: false }, true],
    [{ vacuum: "freeze", analyze: false }, false],
  ] as const)("is a command of PostgreSQL for %j, with returned space: %s", async (task, returnsSpace) => {
    await expect(run(task, returnsSpace)).resolves.toBeDefined();
  });

  it("leaves dead rows that only an analysis counts when it leaves their index entries", async () => {
    await engine.exec("delete from edited where n <= 3000");
    expect(await deadRows()).toBe(3000);
    await run({ vacuum: "rows", analyze: false });
    expect(await deadRows()).toBe(0);
    await run({ vacuum: "none", analyze: true });
    expect(await deadRows()).toBe(3000);
    await run({ vacuum: "rows_and_indexes", analyze: true });
    expect(await deadRows()).toBe(0);
  });

  it("freezes every old table, those of PostgreSQL too", async () => {
    const client = rawClient(engine);
    for (let n = 0; n < 50; n++) await engine.exec("select pg_current_xact_id()");
    const old = await tablesToFreeze(client, 40);
    expect(old).toEqual(expect.arrayContaining(["edited", "posts", "pg_class", "pg_toast.pg_toast_1255"]));
    for (const table of old) await engine.exec(maintenanceCommand(freezeTask(table), false));
    expect(await tablesToFreeze(client, 40)).toEqual([]);
    expect(await tablesToFreeze(client)).toEqual([]);
  });
});
