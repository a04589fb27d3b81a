import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import { nextVersion } from "../../../src/domain/shared/version.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { notePostChanges } from "../../../src/infrastructure/storage/post-changes.ts";
import { failing } from "../../../src/testing/failing.ts";
import { aDraft, aUser } from "../../../src/testing/fixtures.ts";

/** A storage with a user, and the ids of the posts whose changes it reports. */
async function noting(around: (storage: Storage) => Storage = (storage) => storage) {
  const storage = openMemoryStorage();
  const author = aUser();
  (await storage.users.insert(author))._unsafeUnwrap();
  const changed: string[] = [];
  const changes = { onChanged: (id: string) => void changed.push(id), onManyChanged: () => {} };
  return { author, changed, noted: notePostChanges(around(storage), changes) };
}

describe("the reported changes of posts", () => {
  it.each(["posts.insert", "posts.update"] as const)(
    "include a post whose %s fails with an unknown outcome, because it may be stored",
    async (method) => {
      const { author, changed, noted } = await noting((storage) => failing(method, "outcome_unknown", storage));
      const post = aDraft(author.id);
      const written = method === "posts.insert" ? noted.posts.insert(post) : noted.posts.update(post, post.version);
      expect((await written).isErr()).toBe(true);
      expect(changed).toEqual([post.id]);
    },
  );

  it("include no post whose write was refused, because it certainly changed nothing", async () => {
    const { author, changed, noted } = await noting();
    const post = aDraft(author.id);
    expect((await noted.posts.insert(aDraft(aUser().id))).isErr()).toBe(true);
    expect((await noted.posts.update(post, nextVersion(post.version))).isErr()).toBe(true);
    expect(changed).toEqual([]);
  });
});
