import { afterAll, beforeAll, expect, it } from "vitest";
import { memory, pglite } from "../support/test-storage.ts";
import { aUser } from "../support/fixtures.ts";
for (const adapter of [memory, pglite]) {
  it(`stores on ${adapter.name}`, async () => {
    const opened = await adapter.open();
    const storage = await opened.empty();
    const user = aUser();
    expect((await storage.users.insert(user)).isOk()).toBe(true);
    expect((await storage.users.findById(user.id))._unsafeUnwrap()).toEqual(user);
    expect((await storage.posts.list({drafts:"all",authorId:user.id},{limit:3,before:null}))._unsafeUnwrap()).toEqual({items:[],next:null});
    await opened.close();
  });
}
