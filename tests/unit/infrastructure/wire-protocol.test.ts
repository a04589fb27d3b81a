import type { PGlite } from "@electric-sql/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeParameter } from "../../../src/infrastructure/sql/parameter.ts";
import {
  decodeAnswer,
  encodeExecutions,
  encodePreparation,
  encodeScript,
  type Answer,
  type Execution,
} from "../../../src/infrastructure/pglite/engine/wire-protocol.ts";
import { PGlite as Engine } from "@electric-sql/pglite";

let engine: PGlite;

beforeAll(async () => {
  engine = await Engine.create();
});
afterAll(async () => engine.close());

async function send(message: Uint8Array, statements: number): Promise<Answer> {
  const answer = decodeAnswer(await engine.execProtocolRaw(message), statements);
  if (answer === null) throw new Error("The answer is incomplete.");
  return answer;
}

const run = async (...executions: readonly Execution[]) => send(encodeExecutions(executions), executions.length);

describe("a message of PostgreSQL's protocol", () => {
  it("runs a statement by its text, and returns its columns and rows", async () => {
    const { replies, error } = await run({ text: 'select 1::int8 as a, null as "ö", $1::text as c', values: ["ß😀"] });
    expect(error).toBeNull();
    expect(replies).toEqual([
      {
        command: "SELECT 1",
        fields: [
          { name: "a", dataTypeID: 20 },
          { name: "ö", dataTypeID: 25 },
          { name: "c", dataTypeID: 25 },
        ],
        rows: [["1", null, "ß😀"]],
      },
    ]);
  });

  it("runs a prepared statement repeatedly, with the columns of its preparation", async () => {
    const { fields } = await send(encodePreparation("add", "select $1::int + 1 as sum"), 0);
    expect(fields).toEqual([{ name: "sum", dataTypeID: 23 }]);
    for (const [value, sum] of [
      ["1", "2"],
      ["41", "42"],
    ] as const) {
      const { replies } = await run({ name: "add", values: [value] });
      expect(replies).toEqual([{ command: "SELECT 1", fields: [], rows: [[sum]] }]);
    }
  });

  it("prepares a statement that returns no rows", async () => {
    expect(await send(encodePreparation("set", "set search_path = public"), 0)).toMatchObject({
      fields: [],
      error: null,
    });
  });

  it("runs several statements as one transaction, which an error rolls back", async () => {
    await run({ text: "create table numbers (number int primary key)", values: [] });
    const insert = (value: string): Execution => ({ text: "insert into numbers values ($1)", values: [value] });
    expect((await run(insert("1"), insert("2"))).replies.map(({ command }) => command)).toEqual([
      "INSERT 0 1",
      "INSERT 0 1",
    ]);
    const { replies, error } = await run(insert("3"), insert("1"), insert("4"));
    expect(replies).toHaveLength(1);
    expect(error).toMatchObject({ code: "23505", constraint: "numbers_pkey", severity: "ERROR" });
    expect((await run({ text: "select count(*) from numbers", values: [] })).replies[0]?.rows).toEqual([["2"]]);
  });

  it("runs a script of several statements, and knows whether its answer is complete", async () => {
    const script = "create table notes (id int); insert into notes values (1), (2) returning id; -- the end";
    const answer = await engine.execProtocolRaw(encodeScript(script));
    expect(decodeAnswer(answer, "script")?.replies).toMatchObject([
      { command: "CREATE TABLE", rows: [] },
      { command: "INSERT 0 2", rows: [["1"], ["2"]] },
    ]);
    // An exception inside PostgreSQL ends a script without an error and without the replies of the later statements.
    const cut = await engine.execProtocolRaw(encodeExecutions([{ text: "select 1", values: [] }]));
    expect(decodeAnswer(cut, "script")).toBeNull();
  });

  it("reports the error of a script, and a transaction that it has left open", async () => {
    const failed = decodeAnswer(
      await engine.execProtocolRaw(encodeScript("select 1; select 1 / 0; select 2")),
      "script",
    );
    expect(failed).toMatchObject({ error: { code: "22012" }, isInTransaction: false });
    expect(failed?.replies).toHaveLength(1);
    const open = decodeAnswer(await engine.execProtocolRaw(encodeScript("begin; select 1")), "script");
    expect(open).toMatchObject({ error: null, isInTransaction: true });
    expect(await run({ text: "rollback", values: [] })).toMatchObject({ isInTransaction: false });
  });

  it("reports a transaction as open after one of its statements has failed", async () => {
    const failed = decodeAnswer(await engine.execProtocolRaw(encodeScript("begin; select 1 / 0")), "script");
    const ended = await run({ text: "rollback", values: [] });
    expect(failed).toMatchObject({ error: { code: "22012" }, isInTransaction: true });
    expect(ended).toMatchObject({ isInTransaction: false });
  });

  it("has the notifications of the channels on which the session listens", async () => {
    await run({ text: 'listen "news"', values: [] });
    const { notifications } = await run({ text: "select pg_notify('news', 'été')", values: [] });
    expect(notifications).toEqual([{ channel: "news", payload: "été" }]);
    await run({ text: 'unlisten "news"', values: [] });
    expect((await run({ text: "select pg_notify('news', 'later')", values: [] })).notifications).toEqual([]);
  });

  it("is incomplete when the end of its answer, or of a statement, is missing", async () => {
    const message = encodeExecutions([{ text: "select 1", values: [] }]);
    const whole = await engine.execProtocolRaw(message);
    expect(decodeAnswer(whole, 1)).not.toBeNull();
    expect(decodeAnswer(whole, 2)).toBeNull();
    const readyForQueryBytes = 6;
    expect(decodeAnswer(whole.subarray(0, -readyForQueryBytes), 1)).toBeNull();
    expect(decodeAnswer(new Uint8Array(), 0)).toBeNull();
  });

  it.each([
    ["a text", "it's", "it's"],
    ["nothing", null, null],
    ["a number", 7, "7"],
    ["bytes", new Uint8Array([0, 92, 255]), String.raw`\x005cff`],
    ["a boolean", true, "true"],
    ["a time", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["an empty list", [], "{}"],
    ["a list of times, numbers and nothing", [new Date(0), 7, null], '{"1970-01-01T00:00:00.000Z","7",NULL}'],
    ["a list", ["a", 'b"', "c\\d,{}", "null", ""], String.raw`{"a","b\"","c\\d,{}","null",""}`],
  ] as const)("has %s as PostgreSQL reads it", async (_, parameter, value) => {
    expect(encodeParameter(parameter)).toBe(value);
  });

  it("sends a list as an array of the same texts", async () => {
    const texts = ["a", 'b"', "c\\d,{}", "null", "", "ö"];
    const { replies } = await run({ text: "select unnest($1::text[])", values: [encodeParameter(texts)] });
    expect(replies[0]?.rows.flat()).toEqual(texts);
  });

  it("rejects a value that no column has mapped", () => {
    expect(() => encodeParameter({ a: 1 } as unknown as string)).toThrow(TypeError);
  });
});
