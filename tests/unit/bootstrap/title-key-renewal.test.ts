import { err, ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { StorageFailure } from "../../../src/domain/shared/storage-failure.ts";
import { startTitleKeyRenewal } from "../../../src/bootstrap/background/title-key-renewal.ts";
import { recordingLog } from "../../support/fixtures.ts";

const FULL: StorageFailure = {
  kind: "storage_failure",
  reason: "full",
  isTransient: false,
  operation: "test",
  cause: new Error("no space"),
};

describe("the renewal of title keys", () => {
  it.each([
    ["how many posts have got one", ok(7), [["info", { posts: 7 }]]],
    ["nothing where no post lacks one", ok(0), []],
    ["why they are not renewed yet, which ends nothing", err(FULL), [["warn", { failure: FULL }]]],
  ])("logs %s", async (_, result, expected) => {
    const log = recordingLog();
    await startTitleKeyRenewal(async () => result, log).stop();
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual(expected);
  });

  it("is told between two batches that the server stops, which waits for it", async () => {
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
