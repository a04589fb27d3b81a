import { expect, it } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { openApi, problemOf } from "../../support/api.ts";

it.each([new Error("broken"), "broken", undefined])(
  "a request whose storage throws %o gets a problem with status 500",
  async (thrown) => {
    const storage = openMemoryStorage();
    const posts = { ...storage.posts, list: async () => Promise.reject(thrown) };
    const { nobody } = openApi({ ...storage, posts });
    expect(problemOf(await nobody.get("/v1/posts"))).toBe("500 internal_error");
  },
);
