import { err, ok, type Result } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { singleFlight, batchLookups, batchInserts } from "../../../src/infrastructure/drizzle/batching.ts";

const BUSY: StorageFailure = {
  kind: "storage_failure",
  reason: "busy",
  isTransient: true,
  operation: "rows.find",
  cause: null,
};

interface Row {
  readonly id: string;
}

/** Looks up rows, and records the keys of each query. Every row exists unless its key begins with "no". */
function recordingLookUp() {
  const asked: (readonly string[])[] = [];
  const find = batchLookups(
    "rows.find",
    ({ id }: Row) => id,
    async (ids: readonly string[]) => {
      asked.push(ids);
      return ok(ids.filter((id) => !id.startsWith("no")).map((id): Row => ({ id })));
    },
  );
  return { asked, find };
}

describe("batchLookups", () => {
  it("sends one query per turn of the event loop, and returns to each caller its own row or none", async () => {
    const { asked, find } = recordingLookUp();
    const found = await Promise.all(["a", "none", "b", "a"].map(async (id) => find(id)));
    expect(found.map((row) => row._unsafeUnwrap()?.id)).toEqual(["a", undefined, "b", "a"]);
    expect(asked).toHaveLength(1);
  });

  it("sends a new query in the next turn", async () => {
    const { asked, find } = recordingLookUp();
    await find("a");
    await find("a");
    expect(asked).toEqual([["a"], ["a"]]);
  });

  it("sends at most 50 keys in a query", async () => {
    const { asked, find } = recordingLookUp();
    await Promise.all(Array.from({ length: 120 }, async (_, index) => find(String(index))));
    expect(asked.map(({ length }) => length)).toEqual([50, 50, 20]);
  });

  it("returns the failure of a query to every caller", async () => {
    const find = batchLookups(
      "rows.find",
      ({ id }: Row) => id,
      async () => err(BUSY),
    );
    const found = await Promise.all(["a", "b"].map(async (id) => find(id)));
    expect(found.map((row) => row._unsafeUnwrapErr())).toEqual([BUSY, BUSY]);
  });

  it("leaves out a lookup whose signal is aborted before the query", async () => {
    const { asked, find } = recordingLookUp();
    const gone = new AbortController();
    const found = [find("a", gone.signal), find("b"), find("c", new AbortController().signal)];
    gone.abort();
    const [first, ...others] = await Promise.all(found);
    expect(first?._unsafeUnwrapErr()).toMatchObject({
      reason: "cancelled",
      isTransient: false,
      operation: "rows.find",
    });
    expect(others.map((row) => row._unsafeUnwrap()?.id)).toEqual(["b", "c"]);
    expect(asked).toEqual([["b", "c"]]);
  });

  it("makes no query when every signal is aborted before it", async () => {
    const { asked, find } = recordingLookUp();
    const gone = new AbortController();
    const found = Promise.all([find("a", gone.signal), find("b", gone.signal)]);
    gone.abort();
    expect((await found).map((row) => row._unsafeUnwrapErr().reason)).toEqual(["cancelled", "cancelled"]);
    expect(asked).toEqual([]);
  });

  it("aborts the signal of the query once every lookup is aborted, and not before", async () => {
    const queries: (AbortSignal | undefined)[] = [];
    const clients = [new AbortController(), new AbortController()];
    const find = batchLookups(
      "rows.find",
      ({ id }: Row) => id,
      async (_ids, signal) => {
        queries.push(signal as AbortSignal);
        return ok([]);
      },
    );
    await Promise.all(clients.map(async ({ signal }, index) => find(String(index), signal)));
    clients[0]?.abort();
    expect(queries[0]?.aborted).toBe(false);
    clients[1]?.abort();
    expect(queries[0]?.aborted).toBe(true);
  });

  it("throws the exception of the query to every caller", async () => {
    const find = batchLookups(
      "rows.find",
      ({ id }: Row) => id,
      async () => Promise.reject(new Error("a defect")),
    );
    const found = await Promise.allSettled(["a", "b"].map(async (id) => find(id)));
    expect(found.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});

describe("single-flight", () => {
  /** A list whose result shows its arguments, and the number of calls before it. */
  function recordingList() {
    let count = 0;
    return singleFlight(
      async (_signal, filter: { readonly drafts: string }, limit: number) => `${filter.drafts} ${limit} #${count++}`,
    );
  }

  it("runs equal calls of a turn of the event loop once", async () => {
    const list = recordingList();
    const answers = await Promise.all([list(undefined, { drafts: "none" }, 2), list(undefined, { drafts: "none" }, 2)]);
    expect(answers).toEqual(["none 2 #0", "none 2 #0"]);
  });

  it("does not share a result between calls with different arguments, such as different rights", async () => {
    const list = recordingList();
    const answers = await Promise.all([
      list(undefined, { drafts: "none" }, 2),
      list(undefined, { drafts: "all" }, 2),
      list(undefined, { drafts: "none" }, 3),
    ]);
    expect(answers).toEqual(["none 2 #0", "all 2 #1", "none 3 #2"]);
  });

  it("aborts the shared query once every caller has aborted, and never when a caller has no signal", async () => {
    const calls: (AbortSignal | undefined)[] = [];
    const list = singleFlight(async (signal, limit: number) => {
      calls.push(signal as AbortSignal);
      return limit;
    });
    const clients = [new AbortController(), new AbortController(), new AbortController()] as const;
    await Promise.all([list(clients[0].signal, 1), list(clients[1].signal, 1)]);
    await Promise.all([list(clients[2].signal, 2), list(undefined, 2)]);
    clients[0].abort();
    expect(calls[0]?.aborted).toBe(false);
    clients[1].abort();
    expect(calls[0]?.aborted).toBe(true);
    expect(calls[1]).toBeUndefined();
  });

  it("counts a caller that has aborted before the shared query begins", async () => {
    let shared: AbortSignal | undefined;
    const list = singleFlight(async (signal) => {
      shared = signal as AbortSignal;
    });
    const clients = [new AbortController(), new AbortController()] as const;
    const listed = Promise.all(clients.map(async ({ signal }) => list(signal)));
    clients[0].abort();
    await listed;
    expect(shared?.aborted).toBe(false);
    clients[1].abort();
    expect(shared?.aborted).toBe(true);
  });

  it("runs a new query for a call after the query has begun", async () => {
    const answers: ((answer: string) => void)[] = [];
    const list = singleFlight(async () => new Promise<string>((settle) => answers.push(settle)));
    const first = list();
    await expect.poll(() => answers.length).toBe(1);
    const second = list();
    await expect.poll(() => answers.length).toBe(2);
    for (const [index, settle] of answers.entries()) settle(`answer ${index}`);
    expect(await Promise.all([first, second])).toEqual(["answer 0", "answer 1"]);
  });
});

interface Refused {
  readonly kind: "refused";
}

/** Writes rows like one statement. `outcome` decides the result of rows that are written together. */
function recordingWrite(
  outcome: (rows: readonly string[]) => Result<void, Refused | StorageFailure>,
  bytesOf: (row: string) => number = () => 1,
) {
  const written: (readonly string[])[] = [];
  const write = batchInserts(async (rows: readonly string[]) => {
    written.push(rows);
    return outcome(rows).map(() => rows.map((row) => `${row} is written`));
  }, bytesOf);
  return { written, write };
}

describe("batchInserts", () => {
  it.each([
    [49, [49]],
    [50, [50]],
    [101, [50, 50, 1]],
  ])("splits %i rows of a turn of the event loop into statements of %j rows", async (rows, statements) => {
    const { written, write } = recordingWrite(() => ok());
    const outcomes = await Promise.all(Array.from({ length: rows }, async (_, index) => write(String(index))));
    expect(outcomes).toEqual(outcomes.map((_, index) => ok(`${index} is written`)));
    expect(written.map(({ length }) => length)).toEqual(statements);
  });

  it("keeps a statement of several rows below a mebibyte", async () => {
    const { written, write } = recordingWrite(
      () => ok(),
      (row) => Number(row) * 1024,
    );
    await Promise.all(["2000", "1000", "24", "1", "1023"].map(write));
    expect(written).toEqual([["2000"], ["1000", "24"], ["1", "1023"]]);
  });

  it("writes each row alone when one row of a statement is refused", async () => {
    const { written, write } = recordingWrite((rows) => (rows.includes("bad") ? err({ kind: "refused" }) : ok()));
    const outcomes = await Promise.all(["a", "bad", "b"].map(write));
    expect(outcomes).toEqual([ok("a is written"), err({ kind: "refused" }), ok("b is written")]);
    expect(written).toEqual([["a", "bad", "b"], ["a"], ["bad"], ["b"]]);
  });

  it.each(["outcome_unknown", "unavailable", "busy"] as const)(
    "does not repeat a statement after the failure %s",
    async (reason) => {
      const failure: StorageFailure = {
        kind: "storage_failure",
        reason,
        isTransient: false,
        operation: "write",
        cause: null,
      };
      const { written, write } = recordingWrite(() => err(failure));
      const outcomes = await Promise.all(["a", "b"].map(write));
      expect(outcomes.map((outcome) => outcome._unsafeUnwrapErr())).toEqual([failure, failure]);
      expect(written).toHaveLength(1);
    },
  );

  it("throws only for the row whose own statement throws", async () => {
    const { write } = recordingWrite((rows) => {
      if (rows.includes("bad")) throw new Error("a defect");
      return ok();
    });
    const outcomes = await Promise.allSettled(["a", "bad", "b"].map(write));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });
});
