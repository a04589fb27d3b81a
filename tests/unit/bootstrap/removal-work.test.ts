import { ok } from "neverthrow";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startRemovals } from "../../../src/bootstrap/background/removal-work.ts";
import { actorFor, recordingLog } from "../../../src/testing/fixtures.ts";
import { barrier } from "../../support/barrier.ts";
import { openQuire, storedDraft } from "../application/support.ts";

describe("the background work for removals", () => {
  afterEach(() => void vi.useRealTimers());

  it("logs an exception, and resumes the removals again after 30 s", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const defect = new Error("a defect");
    let runs = 0;
    const resumeRemovals = async () => {
      if (++runs === 1) throw defect;
      return ok();
    };
    const log = recordingLog();
    const work = startRemovals({ resumeRemovals, stopRemovals: async () => {} }, log);
    await vi.advanceTimersByTimeAsync(30_000);
    await work.stop();
    expect(runs).toBe(2);
    expect(log.lines).toEqual([
      {
        level: "warn",
        fields: { failure: { kind: "defect", error: defect } },
        message: "posts and sessions of removed users were not deleted yet",
      },
    ]);
  });

  it("stops, so that the storage can be closed, when an exception ends a removal in the meantime", async () => {
    const defect = new Error("a defect");
    const begun = barrier(2);
    const released = barrier(2);
    const quire = await openQuire({
      posts: () => ({
        deleteByAuthor: async () => {
          await begun();
          await released();
          throw defect;
        },
      }),
    });
    await storedDraft(quire, quire.author);
    const work = startRemovals(quire.app, recordingLog());
    const removal = { id: quire.author.id, posts: { kind: "delete" }, expected: null } as const;
    const { finished } = (await quire.app.deleteUser(actorFor(quire.admin), removal))._unsafeUnwrap();
    await begun();
    const ended = Promise.allSettled([finished, work.stop()]);
    await released();
    expect(await ended).toEqual([
      { status: "rejected", reason: defect },
      { status: "fulfilled", value: undefined },
    ]);
  });
});
