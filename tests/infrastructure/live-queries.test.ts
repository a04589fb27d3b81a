import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openDurablePglite, type DurablePglite } from "../../src/infrastructure/pglite/durable-pglite.ts";
import { recordingLog } from "../../src/testing/fixtures.ts";

const notes = pgTable("notes", { id: integer().primaryKey(), title: text().notNull() });

const log = recordingLog();
let directory: string;
let engine: DurablePglite;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "quire-engine-"));
  const options = { directory, durability: "relaxed", statementDeadlineMs: 2000, log } as const;
  engine = (await openDurablePglite(options))._unsafeUnwrap();
  await engine.client.exec(`
    create table notes (id int primary key, title text not null);
    create schema app;
    create table app."Tags" (name text primary key, note int references notes on delete cascade);
    create view titles as select title from notes;
  `);
});
afterAll(async () => {
  (await engine.close())._unsafeUnwrap();
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  await engine.client.exec("truncate notes, app.\"Tags\"; insert into notes values (1, 'one')");
});

/** A live query of all titles, and the rows of its runs. */
async function liveTitles(options: { readonly tables?: readonly string[] } = {}) {
  const db = engine.drizzle({ schema: { notes } });
  const runs: string[][] = [];
  const end = await engine.live({
    tables: ["notes"],
    query: async () => db.query.notes.findMany({ orderBy: notes.id }),
    onRows: (rows) => void runs.push(rows.map(({ title }) => title)),
    ...options,
  });
  return { runs, end };
}

/** Waits for an expectation. A restart of the engine takes seconds on a busy machine. */
const until = async (expected: () => void) => vi.waitFor(expected, { timeout: 30_000 });

/** Waits for the statements that a change has caused. The engine runs statements in their order. */
const settled = async () => {
  for (let turn = 0; turn < 3; turn++) await engine.client.query("select 1");
};

describe("a live query", () => {
  it("has its first rows when it begins, and new rows after each commit", async () => {
    const { client } = engine;
    const { runs, end } = await liveTitles();
    expect(runs).toEqual([["one"]]);
    for (const [statement, rows] of [
      ["insert into notes values (2, 'two')", ["one", "two"]],
      ["update notes set title = 'three' where id = 2", ["one", "three"]],
      ["delete from notes where id = 1", ["three"]],
      ["truncate notes cascade", []],
    ] as const) {
      await client.exec(statement);
      await until(() => expect(runs.at(-1)).toEqual(rows));
    }
    await end();
  });

  it("sees nothing of a transaction before its commit, and nothing of one that rolls back", async () => {
    const { client } = engine;
    const { runs, end } = await liveTitles();
    await client.transaction(async (transaction) => {
      await transaction.query("insert into notes values (2, 'two')");
      await transaction.query("insert into notes values (3, 'three')");
      expect(runs).toEqual([["one"]]);
    });
    await until(() => expect(runs).toEqual([["one"], ["one", "two", "three"]]));
    await expect(client.exec("insert into notes values (4, 'four'); select 1 / 0")).rejects.toThrow("division by zero");
    await settled();
    expect(runs).toHaveLength(2);
    await end();
  });

  it("runs after a change of one of its tables only, also by a cascade", async () => {
    const { client } = engine;
    const { runs, end } = await liveTitles({ tables: ['app."Tags"'] });
    await client.query("insert into notes values (2, 'two')");
    await settled();
    expect(runs).toHaveLength(1);
    await client.query("insert into app.\"Tags\" values ('a', 2)");
    await until(() => expect(runs).toHaveLength(2));
    await client.query("delete from notes where id = 2");
    await until(() => expect(runs).toHaveLength(3));
    await end();
  });

  it("runs once more for any number of changes during a run", async () => {
    let release = () => {};
    let isFirst = true;
    let isWaiting = false;
    const runs: number[] = [];
    const count = async () =>
      (await engine.client.query<{ n: number }>("select count(*)::int as n from notes")).rows[0];
    const end = await engine.live({
      tables: ["notes"],
      query: async () => {
        const row = await count();
        isWaiting = !isFirst;
        if (isWaiting) await new Promise<void>((settle) => (release = settle));
        isFirst = false;
        return row?.n ?? 0;
      },
      onRows: (n) => void runs.push(n),
    });
    await engine.client.query("insert into notes values (2, 'two')");
    await until(() => expect(isWaiting).toBe(true));
    for (let id = 3; id < 50; id++) await engine.client.query(`insert into notes values (${id}, 'more')`);
    await settled();
    expect(runs).toEqual([1]);
    isWaiting = false;
    release();
    await until(() => expect(isWaiting).toBe(true));
    release();
    await until(() => expect(runs).toHaveLength(3));
    await settled();
    expect(runs).toEqual([1, 2, 49]);
    await end();
  });

  it("is silent after its end, also when a run is under way", async () => {
    let begin = () => {};
    let complete = () => {};
    const begun = new Promise<void>((settle) => (begin = settle));
    const completed = new Promise<void>((settle) => (complete = settle));
    const runs: number[] = [];
    let count = 0;
    const end = await engine.live({
      tables: ["notes"],
      query: async () => {
        if (++count === 1) return 1;
        begin();
        await completed;
        return count;
      },
      onRows: (run) => void runs.push(run),
    });
    await engine.client.query("insert into notes values (2, 'two')");
    await begun;
    await end();
    complete();
    await engine.client.query("insert into notes values (3, 'three')");
    await settled();
    expect({ runs, count }).toEqual({ runs: [1], count: 2 });
  });

  it("runs after a restart of the engine, and again after the next commit", async () => {
    const { client } = engine;
    const { runs, end } = await liveTitles();
    await expect(client.query("select pg_sleep(600)")).rejects.toMatchObject({ code: "57014" });
    await until(() => expect(runs).toEqual([["one"], ["one"]]));
    await client.query("insert into notes values (2, 'two')");
    await until(() => expect(runs.at(-1)).toEqual(["one", "two"]));
    await end();
  });

  it("reports the error of a later run, and runs again after the next change", async () => {
    const { client } = engine;
    const errors: unknown[] = [];
    const values: number[] = [];
    const query = async () =>
      (await client.query<{ n: number }>("select 1 / (count(*) - 2)::int as n from notes")).rows[0]?.n ?? 0;
    const end = await engine.live({
      tables: ["notes"],
      query,
      onRows: (n) => void values.push(n),
      onError: (error) => void errors.push(error),
    });
    await client.query("insert into notes values (2, 'two')");
    await until(() => expect(errors).toMatchObject([{ code: "22012" }]));
    await client.query("insert into notes values (3, 'three')");
    await until(() => expect(values).toEqual([-1, 1]));
    await end();
  });

  it("logs the error of a later run by default", async () => {
    const error = new Error("A mistake.");
    let runs = 0;
    const query = async () => {
      if (++runs > 1) throw error;
    };
    const end = await engine.live({ tables: ["notes"], query, onRows: () => {} });
    await engine.client.query("insert into notes values (2, 'two')");
    await until(() =>
      expect(log.lines.at(-1)).toEqual({ level: "error", fields: { error }, message: "a live query failed" }),
    );
    await end();
  });

  it("logs the exception of its error handler, and runs again after the next change", async () => {
    const error = new Error("A mistake of the handler.");
    const counts: number[] = [];
    let runs = 0;
    const query = async () => {
      if (++runs === 2) throw new Error("A mistake.");
      return runs;
    };
    const onError = () => {
      throw error;
    };
    const end = await engine.live({ tables: ["notes"], query, onRows: (count) => void counts.push(count), onError });
    await engine.client.query("insert into notes values (2, 'two')");
    const message = "the error handler of a live query threw";
    await until(() => expect(log.lines.at(-1)).toEqual({ level: "error", fields: { error }, message }));
    await engine.client.query("insert into notes values (3, 'three')");
    await until(() => expect(counts).toEqual([1, 3]));
    await end();
  });

  it.each([
    ["a table that does not exist", "nothing", 'relation "nothing" does not exist'],
    ["a view", "titles", "titles is not a table"],
  ])("rejects %s", async (_, table, message) => {
    await expect(liveTitles({ tables: [table] })).rejects.toThrow(message);
  });

  it("rejects when its first run fails, and does not run again", async () => {
    let runs = 0;
    const query = async () => {
      runs++;
      throw new Error("A mistake.");
    };
    await expect(engine.live({ tables: ["notes"], query, onRows: () => {} })).rejects.toThrow("A mistake.");
    await engine.client.query("insert into notes values (2, 'two')");
    await settled();
    expect(runs).toBe(1);
  });
});
