import { afterEach, expect, it, vi } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi, problemOf } from "../../support/api.ts";

afterEach(() => void vi.useRealTimers());

it.each([new Error("broken"), "broken", undefined])(
  "a request whose storage throws %o gets a problem with status 500",
  async (thrown) => {
    const storage = openMemoryStorage();
    const posts = { ...storage.posts, list: async () => Promise.reject(thrown) };
    const { nobody } = openApi({ ...storage, posts });
    expect(problemOf(await nobody.get("/v1/posts"))).toBe("500 internal_error");
  },
);

it.each([
  ["is answered", {}, 200],
  ["fails", { list: async () => Promise.reject(new Error("broken")) }, 500],
])("a request that %s leaves no timer", async (_case, replaced, status) => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const storage = openMemoryStorage();
  const { nobody } = openApi({ ...storage, posts: { ...storage.posts, ...replaced } });
  expect((await nobody.get("/v1/posts")).status).toBe(status);
  expect(vi.getTimerCount()).toBe(0);
});
