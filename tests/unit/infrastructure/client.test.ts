import { err, ok } from "neverthrow";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DiskSpace } from "../../../src/infrastructure/pglite/directory/disk-space.ts";
import { engineClient } from "../../../src/infrastructure/pglite/client/client.ts";
import type { Engine, EngineFailed } from "../../../src/infrastructure/pglite/engine/engine.ts";
import type { Supervisor } from "../../../src/infrastructure/pglite/client/supervisor.ts";
import { writeCircuitBreaker } from "../../../src/infrastructure/pglite/client/write-circuit-breaker.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";
import { QUIRE_SCHEMA } from "../../../src/infrastructure/pglite/quire-schema.ts";
import { subscriptions } from "../../../src/infrastructure/pglite/client/subscriptions.ts";
import { admissionQueue } from "../../../src/infrastructure/pglite/client/admission-queue.ts";
import type { Reply } from "../../../src/infrastructure/pglite/engine/wire-protocol.ts";

const failed = (reason: EngineFailed["reason"] = "panic"): EngineFailed => ({
  kind: "engine_failed",
  reason,
  detail: "it failed",
  lastLines: [],
});

const done = (command: string): Reply => ({ fields: [], rows: [], command, error: null });
const one: Reply = {
  fields: [
    { name: "number", dataTypeID: 20 },
    { name: "yes", dataTypeID: 16 },
    { name: "at", dataTypeID: 1184 },
    { name: "nothing", dataTypeID: 25 },
  ],
  rows: [["1", "t", "2026-03-01 12:00:00+00", null]],
  command: "SELECT 1",
  error: null,
};

type Answer = (text: string) => Reply | EngineFailed;

/** A client on an engine with the answers of the test, and the statements that the engine received. */
function open(
  answer: Answer,
  { isLow = false, canFree = false, shortens = false, isDamaged = false, hasBegun = true, sharers = 1 } = {},
) {
  const asked: string[] = [];
  const queue = admissionQueue({ maxWaiting: 10, maxWaitingBytes: 1000, maxWaitMs: 1000, maxSharedHolders: sharers });
  const execute: Engine["execute"] = async (statements, { acknowledges, removesFiles = false }) => {
    const texts = statements.map(({ text }) => text);
    asked.push(`${texts.join(" + ")}${removesFiles ? " (removes files)" : ""}${acknowledges ? " !" : ""}`);
    await Promise.resolve();
    const replies: Reply[] = [];
    for (const text of texts) {
      const reply = answer(text);
      if ("kind" in reply) return err({ kind: "request_lost", failure: reply, hasBegun });
      replies.push(reply);
      if (reply.error !== null) break;
    }
    return ok(replies);
  };
  const engine = { execute } as Engine;
  const supervisor = {
    acquire: async (request) => (await queue.acquire(request)).map((release) => ({ engine, release })),
  } as Supervisor;
  const space = {
    isLow: () => isLow,
    canFree: async () => canFree,
    beginWrite: async () => () => {},
    logRefusal: vi.fn(),
  } satisfies Partial<DiskSpace>;
  const breaker = writeCircuitBreaker({
    directory: "/srv/quire",
    restartEngine: async () => true,
    log: recordingLog(),
  });
  const onDamage = vi.fn();
  const client = engineClient({
    supervisor,
    space,
    onDamage,
    deadlineMs: () => 1e3,
    isDamaged: () => isDamaged,
    breaker,
    isShortening: shortens,
    isAllowedOnLowDisk: QUIRE_SCHEMA.isAllowedOnLowDisk,
    subscriptions: subscriptions(recordingLog()),
    commits: { groups: 0, statements: 0, ms: 0 },
  });
  return { client, asked, queue, onDamage, space, breaker };
}

/** Answers the first statement that contains `text` with a failure of the engine, and all others as usual. */
function failingOnceOn(text: string, failure = failed()): Answer {
  let hasFailed = false;
  return (asked) => {
    if (hasFailed || !asked.includes(text)) return asked.startsWith("select") ? one : done("OK");
    hasFailed = true;
    return failure;
  };
}

const code = (sqlState: string) => expect.objectContaining({ code: sqlState }) as unknown;

describe("a statement on the embedded engine", () => {
  it("returns rows as objects or as arrays, with values parsed by their types", async () => {
    const { client } = open(() => one);
    const at = new Date("2026-03-01T12:00:00Z");
    expect((await client.query("select 1")).rows).toEqual([{ number: 1, yes: true, at, nothing: null }]);
    const raw = { rowMode: "array", parsers: { 1184: (value: string) => value } } as const;
    expect((await client.query("select 1", [], raw)).rows).toEqual([[1, true, "2026-03-01 12:00:00+00", null]]);
  });

  it("returns the number of changed rows", async () => {
    const { client } = open(() => done("UPDATE 7"));
    expect((await client.query("update posts set version = 1")).affectedRows).toBe(7);
  });

  it("acknowledges writes, and not reads", async () => {
    const { client, asked } = open(() => done("OK"));
    await client.query("insert into posts default values");
    await client.query("(select 1)");
    await client.query("with gone as (delete from posts) select 1");
    expect(asked).toEqual([
      "insert into posts default values !",
      "(select 1)",
      "with gone as (delete from posts) select 1 !",
    ]);
  });

  it.each([
    "drop table posts",
    "alter table posts add note text",
    "truncate posts",
    "/* all */ vacuum full",
    "reindex table posts",
  ])("says when it may remove a file: %s", async (text) => {
    const { client, asked } = open(() => done("OK"));
    await client.query(text);
    await client.transaction(async (transaction) => transaction.query(text));
    expect(asked).toEqual([`${text} (removes files) !`, "begin", `${text} (removes files)`, "commit !"]);
  });

  it.each(["create table posts ()", "insert into posts default values", "listen posts"])(
    "does not say so when it removes none: %s",
    async (text) => {
      const { client, asked } = open(() => done("OK"));
      await client.query(text);
      expect(asked).toEqual([`${text} !`]);
    },
  );

  it.each(["begin", " START TRANSACTION", "commit", "savepoint a"])(
    "is rejected outside of client.transaction if it controls a transaction: %s",
    async (text) => {
      const { client, asked } = open(() => done("OK"));
      await expect(client.query(text)).rejects.toThrow("Use client.transaction");
      expect(asked).toEqual([]);
    },
  );

  it("rejects a parameter that no column has mapped, before the engine receives it", async () => {
    const { client, asked } = open(() => one);
    await expect(client.query("select $1", [{ a: 1 } as unknown as string])).rejects.toThrow(TypeError);
    expect(asked).toEqual([]);
  });

  it("is repeated once when the engine fails during a read", async () => {
    const { client, asked } = open(failingOnceOn("select"));
    expect((await client.query("select 1")).rows).toHaveLength(1);
    expect(asked).toHaveLength(2);
    const always = open(() => failed());
    await expect(always.client.query("select 1")).rejects.toEqual(code("58000"));
    expect(always.asked).toHaveLength(2);
  });

  it("is not repeated when a read has exceeded its deadline", async () => {
    const { client, asked } = open(() => failed("deadline"));
    await expect(client.query("select 1")).rejects.toEqual(code("57014"));
    expect(asked).toHaveLength(1);
  });

  it("is not repeated when the engine fails during a write, whose outcome is unknown", async () => {
    const { client, asked } = open(failingOnceOn("insert"));
    await expect(client.query("insert into posts default values")).rejects.toEqual(code("08007"));
    expect(asked).toHaveLength(1);
  });

  it("is repeated when the engine failed before it began, writes included", async () => {
    const { client, asked } = open(failingOnceOn("insert"), { hasBegun: false });
    await client.query("insert into posts default values");
    expect(asked).toHaveLength(2);
  });

  it("is refused on a low disk if it writes, and runs if it reads", async () => {
    const { client, asked, space } = open(() => one, { isLow: true });
    await expect(client.query("insert into posts default values")).rejects.toEqual(code("53100"));
    await expect(client.transaction(async () => 1)).rejects.toEqual(code("53100"));
    expect(space.logRefusal).toHaveBeenCalledTimes(2);
    expect((await client.query("select 1")).rows).toHaveLength(1);
    expect(asked).toEqual(["select 1"]);
  });

  it("may delete and change small rows on a low disk", async () => {
    const { client, asked } = open(() => done("OK"), { isLow: true, canFree: true });
    await client.query('delete from "posts" where id = $1', ["1"]);
    await client.transaction(async (transaction) => transaction.query('delete from "posts"'));
    await client.query('insert into "sessions" default values');
    await expect(client.query('insert into "posts" default values')).rejects.toEqual(code("53100"));
    await expect(
      client.transaction(async (transaction) => transaction.query('insert into "posts" default values')),
    ).rejects.toEqual(code("53100"));
    await expect(client.query('update "posts" set title = $1', ["longer"])).rejects.toEqual(code("53100"));
    expect(asked.filter((text) => text.includes('insert into "posts"'))).toEqual([]);
  });

  it("may shorten posts on a low disk through the client for that", async () => {
    const { client } = open(() => done("UPDATE 1"), { isLow: true, canFree: true, shortens: true });
    expect((await client.query('update "posts" set title = $1', ["s"])).affectedRows).toBe(1);
  });

  it.each(["58P02", "58030", "53000", "58000"])(
    "is refused if it writes after a file error (%s), and runs if it reads",
    async (sqlState) => {
      const error = Object.assign(new Error("File exists"), { code: sqlState, severity: "ERROR" }) as never;
      const fails: Answer = (text) => (text.startsWith("insert") ? { ...done(""), command: null, error } : one);
      const { client, asked, breaker } = open(fails);
      for (let attempt = 0; attempt < 5; attempt++) {
        await expect(client.query("insert into posts default values")).rejects.toEqual(code("53000"));
        await expect(client.transaction(async () => 1)).rejects.toEqual(code("53000"));
      }
      expect(breaker.failure()).toBe(error);
      expect((await client.query("select 1")).rows).toHaveLength(1);
      expect(asked).toEqual(["insert into posts default values !", "select 1"]);
    },
  );

  it("is not refused if it writes after a file error of a read", async () => {
    const error = Object.assign(new Error("could not open file"), { code: "58030", severity: "ERROR" }) as never;
    const fails: Answer = (text) => (text.startsWith("select") ? { ...one, command: null, error } : done("INSERT 0 1"));
    const { client, breaker } = open(fails);
    await expect(client.query("select 1")).rejects.toBe(error);
    expect(breaker.failure()).toBeNull();
    expect((await client.query("insert into posts default values")).affectedRows).toBe(1);
  });

  it("is refused on a damaged database if it writes, and runs if it reads", async () => {
    const { client } = open(() => one, { isDamaged: true });
    await expect(client.query("delete from posts")).rejects.toEqual(code("XX001"));
    expect((await client.query("select 1")).rows).toHaveLength(1);
  });

  it.each(["XX001", "XX002", "58P01"])("reports damage when PostgreSQL answers %s", async (sqlState) => {
    const error = Object.assign(new Error("invalid page"), { code: sqlState, severity: "ERROR" }) as never;
    const { client, onDamage } = open(() => ({ ...done(""), command: null, error }));
    await expect(client.query("select 1")).rejects.toBe(error);
    expect(onDamage).toHaveBeenCalledWith(error);
  });

  it("is rejected when the queue is full, and when no engine runs", async () => {
    const { client, queue } = open(() => one);
    const asking = { bytes: 0, mode: "exclusive" } as const;
    await queue.acquire(asking);
    for (let i = 0; i < 10; i++) void queue.acquire(asking);
    await expect(client.query("select 1")).rejects.toEqual(code("53400"));
    queue.rejectAll();
    await expect(client.query("select 1")).rejects.toEqual(code("57P01"));
  });
});

describe("a group of writes on the embedded engine", () => {
  const refusal = Object.assign(new Error("duplicate key"), { code: "23505", severity: "ERROR" }) as never;
  const refusing =
    (...texts: readonly string[]): Answer =>
    (text) =>
      texts.includes(text) ? { ...done(""), command: null, error: refusal } : done("INSERT 0 1");
  const writeAll = async (answer: Answer, options = {}) => {
    const { client, asked } = open(answer, { sharers: 10, ...options });
    const outcomes = await Promise.allSettled(
      ["insert 1", "insert 2", "insert 3", "insert 4"].map(async (text) => client.query(text)),
    );
    return { outcomes: outcomes.map(({ status }) => status), asked };
  };

  it("has all writes that arrive during a commit, and is committed once", async () => {
    const { outcomes, asked } = await writeAll(refusing());
    expect(outcomes).toEqual(Array.from({ length: 4 }, () => "fulfilled"));
    expect(asked).toEqual(["insert 1 !", "insert 2 + insert 3 + insert 4 !"]);
  });

  it("is committed without the failed writes, which are not repeated", async () => {
    const { outcomes, asked } = await writeAll(refusing("insert 2", "insert 4"));
    expect(outcomes).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
    expect(asked).toEqual(["insert 1 !", "insert 2 + insert 3 + insert 4 !", "insert 3 + insert 4 !", "insert 3 !"]);
  });

  it("has an unknown outcome when the engine fails during one of its writes", async () => {
    const { outcomes, asked } = await writeAll(failingOnceOn("insert 3"));
    expect(outcomes).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
    expect(asked).toHaveLength(2);
  });

  it("is repeated when the engine failed before it began the group", async () => {
    const { outcomes, asked } = await writeAll(failingOnceOn("insert 3"), { hasBegun: false });
    expect(outcomes).toEqual(Array.from({ length: 4 }, () => "fulfilled"));
    expect(asked[2]).toMatch(/insert 2/);
  });
});

describe("a transaction on the embedded engine", () => {
  const insertTwice = async (client: ReturnType<typeof open>["client"]) =>
    client.transaction(async (transaction) => {
      await transaction.query("insert 1");
      await transaction.query("insert 2");
      return "done";
    });

  it("holds the engine exclusively from begin to commit, and only the commit acknowledges", async () => {
    const { client, asked } = open(() => done("OK"));
    const [result] = await Promise.all([insertTwice(client), client.query("select 3")]);
    expect(result).toBe("done");
    expect(asked).toEqual(["begin", "insert 1", "insert 2", "commit !", "select 3"]);
  });

  it("runs concurrent statements one after the other", async () => {
    const { client, asked } = open(() => done("OK"));
    await client.transaction(async (transaction) =>
      Promise.all([transaction.query("select 1"), transaction.query("select 2")]),
    );
    expect(asked).toEqual(["begin", "select 1", "select 2", "commit !"]);
  });

  it("is rolled back when its work throws, and rethrows the exception", async () => {
    const { client, asked } = open(() => done("OK"));
    const thrown = new Error("no");
    await expect(client.transaction(async () => Promise.reject(thrown))).rejects.toBe(thrown);
    expect(asked).toEqual(["begin", "rollback"]);
  });

  it("is rolled back with a transient error when the engine fails before the commit", async () => {
    const { client, asked } = open(failingOnceOn("insert 2"));
    await expect(insertTwice(client)).rejects.toEqual(code("58000"));
    expect(asked).toEqual(["begin", "insert 1", "insert 2"]);
    expect((await client.query("select 1")).rows).toHaveLength(1);
  });

  it("has an unknown outcome when the engine fails during the commit", async () => {
    const { client, asked } = open(failingOnceOn("commit"));
    await expect(insertTwice(client)).rejects.toEqual(code("08007"));
    expect(asked.at(-1)).toBe("commit !");
  });

  it("is rolled back when the engine fails before it begins the commit", async () => {
    const { client } = open(failingOnceOn("commit"), { hasBegun: false });
    await expect(insertTwice(client)).rejects.toEqual(code("58000"));
  });

  it("does not block the next transaction when the engine fails during its begin", async () => {
    const { client } = open(failingOnceOn("begin"));
    await expect(insertTwice(client)).rejects.toEqual(code("58000"));
    expect(await insertTwice(client)).toBe("done");
  });

  it("is rolled back when PostgreSQL refuses the commit", async () => {
    const error = Object.assign(new Error("out of memory"), { code: "53200", severity: "ERROR" }) as never;
    const { client, asked } = open((text) => (text === "commit" ? { ...done(""), command: null, error } : done("OK")));
    await expect(insertTwice(client)).rejects.toBe(error);
    expect(asked).toEqual(["begin", "insert 1", "insert 2", "commit !", "rollback"]);
  });

  it("fails when PostgreSQL answers the commit with a rollback", async () => {
    const { client } = open((text) => done(text === "commit" ? "ROLLBACK" : "OK"));
    await expect(insertTwice(client)).rejects.toThrow("rolled back");
  });

  describe("that does not end", () => {
    beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
    afterEach(() => void vi.useRealTimers());

    it("is rolled back after its deadline, does not block others, and fails when it continues", async () => {
      const { client, asked } = open(() => done("OK"));
      let goOn = () => {};
      const stuck = client.transaction(async (transaction) => {
        await new Promise<void>((settle) => (goOn = settle));
        return transaction.query("insert late");
      });
      const next = client.query("select 1");
      await vi.advanceTimersByTimeAsync(1000);
      await next;
      const refused = expect(stuck).rejects.toEqual(code("25P03"));
      goOn();
      await refused;
      expect(asked).toEqual(["begin", "rollback", "select 1"]);
    });

    it("is not rolled back at its deadline while another of its statements waits", async () => {
      const { client, asked } = open(() => done("OK"));
      await client.transaction(async (transaction) => {
        const running = transaction.query("insert 1");
        vi.advanceTimersByTime(1000);
        await Promise.all([running, transaction.query("insert 2")]);
      });
      expect(asked).toEqual(["begin", "insert 1", "insert 2", "commit !"]);
    });

    it("is rolled back at the next deadline when it is idle after such a statement", async () => {
      const { client, asked } = open(() => done("OK"));
      let goOn = () => {};
      const stuck = client.transaction(async (transaction) => {
        const running = transaction.query("insert 1");
        vi.advanceTimersByTime(1000);
        await Promise.all([running, transaction.query("insert 2")]);
        await new Promise<void>((settle) => (goOn = settle));
      });
      const refused = expect(stuck).rejects.toEqual(code("25P03"));
      await vi.advanceTimersByTimeAsync(1000);
      goOn();
      await refused;
      expect(asked).toEqual(["begin", "insert 1", "insert 2", "rollback"]);
    });

    it("is not rolled back after a commit that was running at its deadline", async () => {
      const { client, asked } = open((text) => {
        if (text === "commit") vi.advanceTimersByTime(1000);
        return done("OK");
      });
      expect(await insertTwice(client)).toBe("done");
      await vi.advanceTimersByTimeAsync(1000);
      expect(asked).toEqual(["begin", "insert 1", "insert 2", "commit !"]);
    });
  });
});
