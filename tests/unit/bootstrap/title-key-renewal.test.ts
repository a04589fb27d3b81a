import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { startTitleKeyRenewal } from "../../../src/bootstrap/background/title-key-renewal.ts";
import { recordingLog } from "../../../src/testing/fixtures.ts";

const FULL: StorageFailure = {
  kind: "storage_failure",
  reason: "full",
  isTransient: false,
  operation: "test",
  cause: new Error("no space"),
};

describe("startTitleKeyRenewal", () => {
  it.each([
    ["the number of renewed posts", ok(7), [["info", { posts: 7 }]]],
    ["nothing if no post needs a key", ok(0), []],
    ["a failure as a warning", err(FULL), [["warn", { failure: FULL }]]],
  ])("logs %s", async (_, result, expected) => {
    const log = recordingLog();
    await startTitleKeyRenewal(async () => result, log).stop();
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual(expected);
  });

  it("stops the renewal between two batches, and waits for it", async () => {
    const asked: boolean[] = [];
    const renewal = startTitleKeyRenewal(async (isStopping) => {
      asked.push(isStopping());
      await new Promise((settle) => setImmediate(settle));
      asked.push(isStopping());
      return ok(0);
    }, recordingLog());
    await renewal.stop();
    expect(asked).toEqual([false, true]);
  });
});
