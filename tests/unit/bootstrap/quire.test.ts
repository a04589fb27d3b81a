import { ok } from "neverthrow";
import { describe, expect, it, vi } from "vitest";
import type { MaintainedStorage } from "../../../src/bootstrap/background/background-work.ts";
import { quire } from "../../../src/bootstrap/quire.ts";
import type { SearchIndex } from "../../../src/infrastructure/drizzle/search/search-index.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { actorFor, content, email, name, password, title } from "../../../src/testing/fixtures.ts";

describe("quire", () => {
  it("serves the API in memory without any option", async () => {
    const { app, close } = quire();
    const ready = await app.request("/health/ready");
    expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ durability: "none" })]);
    expect((await close()).isOk()).toBe(true);
  });

  it("keeps the defaults of the settings that are not given", async () => {
    const { app, close } = quire({ http: { requestsPerMinute: 7 } });
    expect((await app.request("/v1/posts")).headers.get("RateLimit-Policy")).toBe('"address";q=7;w=60;quire-cost=1');
    await close();
  });

  it("deletes expired sessions, completes removals and indexes posts in the background, until it is closed", async () => {
    const storage = openMemoryStorage();
    const indexed: string[] = [];
    const searchIndex: SearchIndex = {
      index: async (ids) => {
        indexed.push(...ids);
        return ok({ indexed: ids.length, left: [] });
      },
      sweep: async () => ok(0),
    };
    const deleteExpired = vi.fn<typeof storage.sessions.deleteExpired>(async (...args) =>
      storage.sessions.deleteExpired(...args),
    );
    const closed = vi.fn<typeof storage.close>(async () => storage.close());
    const sessions = { ...storage.sessions, deleteExpired };
    const maintained: MaintainedStorage = { ...storage, sessions, searchIndex, close: closed };
    const { useCases, close } = quire({ storage: maintained });
    const fields = { name: name("Ada"), email: email("ada@example.org"), password: password(PASSWORD) };
    const user = (await useCases.createUser({ ...fields, role: "author" }))._unsafeUnwrap();
    const post = { title: title("Hello"), content: content(""), status: "draft" } as const;
    const created = (await useCases.createPost(actorFor(user), post, null))._unsafeUnwrap();
    (await close())._unsafeUnwrap();
    expect(indexed).toEqual([created.value.id]);
    expect(deleteExpired).toHaveBeenCalled();
    expect(closed).toHaveBeenCalledTimes(1);
  });
});
