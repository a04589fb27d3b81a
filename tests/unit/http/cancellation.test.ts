import { describe, expect, it } from "vitest";
import { err } from "neverthrow";
import { cancelledRead } from "../../../src/domain/shared/storage-failure.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import type { Timer } from "../../../src/interfaces/http/middleware/time-limit.ts";
import { openApi } from "../../support/api.ts";

/** An API whose list of posts waits until its signal is aborted, with a time limit that the test controls. */
function openWaiting() {
  const storage = openMemoryStorage();
  const limits: (() => void)[] = [];
  const timer: Timer = (_, run) => {
    limits.push(run);
    return () => {};
  };
  let begin = () => {};
  const begun = new Promise<void>((settle) => {
    begin = settle;
  });
  let hasAborted = false;
  const list: (typeof storage.posts)["list"] = async (_filter, _sort, _page, signal) =>
    new Promise((settle) => {
      signal?.addEventListener("abort", () => {
        hasAborted = true;
        settle(err(cancelledRead("posts.list")));
      });
      begin();
    });
  const posts = { ...storage.posts, list };
  const api = openApi({ ...storage, posts }, { timer });
  return { api, begun, expire: () => limits.forEach((run) => run()), hasAborted: () => hasAborted };
}

/** An API whose log-in sessions wait until the signal of the read is aborted. */
function openWaitingAuthentication() {
  const storage = openMemoryStorage();
  let begin = () => {};
  const begun = new Promise<void>((settle) => {
    begin = settle;
  });
  const findByTokenDigest: (typeof storage.sessions)["findByTokenDigest"] = async (_digest, signal) =>
    new Promise((settle) => {
      signal?.addEventListener("abort", () => settle(err(cancelledRead("sessions.findByTokenDigest"))));
      begin();
    });
  const api = openApi({ ...storage, sessions: { ...storage.sessions, findByTokenDigest } });
  return { api, begun };
}

describe("a cancelled request", () => {
  it("aborts the read of its session when its client disconnects", async () => {
    const { api, begun } = openWaitingAuthentication();
    const client = new AbortController();
    const headers = { Authorization: "Bearer a-token" };
    const response = api.app.request("/v1/users/me", { signal: client.signal, headers });
    await begun;
    client.abort();
    expect((await response).status).toBe(503);
    expect(api.log.lines.map(({ level, message }) => [level, message])).toEqual([["info", "request cancelled"]]);
  });

  it("aborts the signal of its read when its client disconnects, and is logged without an error", async () => {
    const { api, begun, hasAborted } = openWaiting();
    const client = new AbortController();
    const response = api.app.request("/v1/posts", { signal: client.signal });
    await begun;
    expect(hasAborted()).toBe(false);
    client.abort();
    await response;
    expect(hasAborted()).toBe(true);
    expect(api.log.lines.map(({ level, message }) => [level, message])).toEqual([["info", "request cancelled"]]);
  });

  it("aborts the signal of its read at the time limit, and gets 503", async () => {
    const { api, begun, expire, hasAborted } = openWaiting();
    const response = api.app.request("/v1/posts");
    await begun;
    expire();
    expect((await response).status).toBe(503);
    expect(hasAborted()).toBe(true);
  });
});
