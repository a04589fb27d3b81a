import { ok } from "neverthrow";
import { afterEach, describe, expect, it, vi } from "vitest";
import { searchIndexing } from "../../../src/bootstrap/background/search-indexing.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import type { SearchIndex } from "../../../src/infrastructure/drizzle/search/search-index.ts";
import { nextId, recordingLog } from "../../../src/testing/fixtures.ts";

type Batch = Awaited<ReturnType<SearchIndex["index"]>>;

describe("the backlog of the search index", () => {
  it("has a changed post from its change until its batch has indexed it, also when a batch leaves it", async () => {
    const batches: ((batch: Batch) => void)[] = [];
    const index: SearchIndex = {
      index: async () => new Promise((settle) => batches.push(settle)),
      sweep: async () => ok(0),
    };
    const indexing = searchIndexing({ index, isIdle: () => true, log: recordingLog() });
    const [first, second] = [nextId<PostId>(), nextId<PostId>()];
    indexing.onChanged(first);
    expect(indexing.backlog().pending).toBe(1);
    indexing.start();
    await vi.waitUntil(() => batches.length === 1);
    indexing.onChanged(second);
    expect(indexing.backlog().pending).toBe(2);
    expect(indexing.backlog().oldestWaitMs).toBeGreaterThan(0);
    batches[0]?.(ok({ indexed: 0, left: [first] }));
    await vi.waitUntil(() => batches.length === 2);
    expect(indexing.backlog().pending).toBe(2);
    batches[1]?.(ok({ indexed: 2, left: [] }));
    await vi.waitUntil(() => indexing.backlog().pending === 0);
    expect(indexing.backlog()).toEqual({ pending: 0, oldestWaitMs: 0 });
    await indexing.stop();
  });
});

describe("the sweep of the search index", () => {
  afterEach(() => void vi.useRealTimers());

  it("runs at the start and every five minutes, so that it finds the posts of other processes", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "setTimeout", "clearTimeout", "performance"] });
    let sweeps = 0;
    const index: SearchIndex = {
      index: async () => ok({ indexed: 0, left: [] }),
      sweep: async () => ok(sweeps++),
    };
    const indexing = searchIndexing({ index, isIdle: () => true, log: recordingLog() });
    indexing.start();
    await vi.advanceTimersByTimeAsync(299_999);
    expect(sweeps).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sweeps).toBe(2);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(sweeps).toBe(3);
    await indexing.stop();
  });
});
