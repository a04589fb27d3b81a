import * as fc from "fast-check";
import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import { groupCommit } from "../../../src/infrastructure/pglite/client/group-commit.ts";
import type { Engine, RequestLost } from "../../../src/infrastructure/pglite/engine/engine.ts";
import type { DatabaseError, Reply } from "../../../src/infrastructure/pglite/engine/wire-protocol.ts";

const ERROR = Object.assign(new Error("duplicate key"), { code: "23505" }) as DatabaseError;
const LOST: RequestLost = {
  kind: "request_lost",
  failure: { kind: "engine_failed", reason: "panic", detail: "it failed", lastLines: [] },
  hasBegun: true,
};
const succeeded: Reply = { fields: [], rows: [], command: "INSERT 0 1", error: null };
const failed: Reply = { fields: [], rows: [], command: null, error: ERROR };

interface Faults {
  /** Statements that always fail. */
  readonly failing?: ReadonlySet<string>;
  /** The numbers of the transactions whose commit fails. */
  readonly failingCommits?: ReadonlySet<number>;
  /** The number of the transaction in which the engine is lost. */
  readonly lostAt?: number;
}

/** An engine that counts how often it runs each statement, and keeps the statements of committed transactions. */
function countingEngine({ failing = new Set(), failingCommits = new Set(), lostAt = 0 }: Faults) {
  const runs = new Map<string, number>();
  const stored: string[] = [];
  let transactions = 0;
  const execute: Engine["execute"] = async (statements) => {
    transactions++;
    await Promise.resolve();
    if (transactions === lostAt) return err(LOST);
    const replies: Reply[] = [];
    for (const { text } of statements) {
      runs.set(text, (runs.get(text) ?? 0) + 1);
      replies.push(failing.has(text) ? failed : succeeded);
      if (failing.has(text)) return ok(replies);
    }
    if (failingCommits.has(transactions)) return ok([...replies, failed]);
    stored.push(...statements.map(({ text }) => text));
    return ok(replies);
  };
  return { engine: { execute } as Engine, runs, stored, transactions: () => transactions };
}

/** Writes one statement, and during its commit `count` others, which form one group. */
async function writeGroup(count: number, faults: Faults) {
  const counting = countingEngine(faults);
  const write = groupCommit(counting.engine, { groups: 0, statements: 0, ms: 0 });
  const texts = Array.from({ length: count }, (_, index) => `w${index}`);
  const [, ...outcomes] = await Promise.all(["first", ...texts].map(async (text) => write({ text, values: [] }, 1000)));
  return { ...counting, texts, outcomes: outcomes.map((outcome) => outcome.map(({ error }) => error)) };
}

describe("group commit", () => {
  it.each(Array.from({ length: 8 }, (_, index) => index))(
    "runs no statement more than twice when the statement at position %i of 8 fails",
    async (position) => {
      const failing = new Set([`w${position}`]);
      const { runs, stored, texts, outcomes, transactions } = await writeGroup(8, { failing });
      expect(Math.max(...runs.values())).toBeLessThanOrEqual(2);
      expect(runs.get(`w${position}`)).toBe(1);
      expect(stored).toEqual(["first", ...texts.filter((text) => !failing.has(text))]);
      expect(outcomes).toEqual(texts.map((text) => ok(failing.has(text) ? ERROR : null)));
      expect(transactions()).toBeLessThanOrEqual(4);
    },
  );

  it("runs no statement more than twice, and 2f + 1 transactions at most, when any f statements fail", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 64 }), async (fails) => {
        const failing = new Set(fails.flatMap((isFailing, index) => (isFailing ? [`w${index}`] : [])));
        const { runs, stored, texts, outcomes, transactions } = await writeGroup(fails.length, { failing });
        expect(Math.max(...runs.values())).toBeLessThanOrEqual(2);
        expect(stored).toEqual(["first", ...texts.filter((text) => !failing.has(text))]);
        expect(outcomes).toEqual(texts.map((text) => ok(failing.has(text) ? ERROR : null)));
        expect(transactions() - 1).toBeLessThanOrEqual(2 * failing.size + 1);
      }),
    );
  });

  it("runs each statement alone when the commit of the group fails", async () => {
    const { runs, stored, outcomes } = await writeGroup(3, { failingCommits: new Set([2]) });
    expect([...runs.values()]).toEqual([1, 2, 2, 2]);
    expect(stored).toEqual(["first", "w0", "w1", "w2"]);
    expect(outcomes).toEqual([ok(null), ok(null), ok(null)]);
  });

  it("returns the error of a failed second commit to all statements of that commit", async () => {
    const faults = { failing: new Set(["w2"]), failingCommits: new Set([3]) };
    const { runs, stored, outcomes } = await writeGroup(4, faults);
    expect(Math.max(...runs.values())).toBe(2);
    expect(stored).toEqual(["first", "w3"]);
    expect(outcomes).toEqual([ok(ERROR), ok(ERROR), ok(ERROR), ok(null)]);
  });

  it("reports all statements of a group as lost when the engine fails, and repeats none", async () => {
    const { runs, outcomes } = await writeGroup(3, { lostAt: 2 });
    expect(runs.size).toBe(1);
    expect(outcomes).toEqual([err(LOST), err(LOST), err(LOST)]);
  });
});
