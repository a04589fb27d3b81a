import { ok } from "neverthrow";
import { describe, expect, it } from "vitest";
import type { Post } from "../../../src/domain/post/post.ts";
import { nextVersion } from "../../../src/domain/shared/version.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { limitPostsOnLowDisk } from "../../../src/infrastructure/pglite/low-disk-posts.ts";
import { aDraft, ANY_BATCH, aUser, content, EVERY_DRAFT, NOW } from "../../../src/testing/fixtures.ts";

const FULL = { kind: "storage_failure", reason: "full" };

/** A storage on a low disk, with a post of the given content. */
async function lowDiskWith(text: string) {
  const storage = openMemoryStorage();
  const [author, heir] = [aUser(), aUser()];
  for (const user of [author, heir]) (await storage.users.insert(user))._unsafeUnwrap();
  const post = aDraft(author.id, { content: content(text) });
  (await storage.posts.insert(post))._unsafeUnwrap();
  const stored = async () => (await storage.posts.findById(post.id, EVERY_DRAFT))._unsafeUnwrap();
  const limited = limitPostsOnLowDisk(storage, storage, () => true);
  return { limited, post, heir, stored };
}

const edited = ({ id, authorId, version }: Post, text: string): Post => ({
  ...aDraft(authorId, { id, content: content(text) }),
  version: nextVersion(version),
});

describe("the posts of a storage on a low disk", () => {
  it.each([
    ["fewer bytes in more characters", "ä".repeat(4), "a".repeat(5)],
    ["as many bytes", "before", "behind"],
  ])("accept a text with %s, also in a unit of work", async (_, before, after) => {
    const one = await lowDiskWith(before);
    expect(await one.limited.posts.update(edited(one.post, after), one.post.version)).toEqual(ok());
    expect((await one.stored()).content).toBe(after);
    const { limited, post, stored } = await lowDiskWith(before);
    const written = limited.unitOfWork.run(async ({ posts }) => posts.update(edited(post, after), post.version));
    expect(await written).toEqual(ok());
    expect((await stored()).content).toBe(after);
  });

  it.each([
    ["more bytes in fewer characters", "a".repeat(5), "ä".repeat(4)],
    ["one byte more", "before", "before."],
  ])("refuse a text with %s, also in a unit of work", async (_, before, after) => {
    const { limited, post, stored } = await lowDiskWith(before);
    const longer = edited(post, after);
    expect((await limited.posts.update(longer, post.version))._unsafeUnwrapErr()).toMatchObject(FULL);
    const written = limited.unitOfWork.run(async ({ posts }) => posts.update(longer, post.version));
    expect((await written)._unsafeUnwrapErr()).toMatchObject(FULL);
    expect(await stored()).toEqual(post);
  });

  it("refuse a new author in a unit of work, because every row of the author would be written again", async () => {
    const { limited, post, heir, stored } = await lowDiskWith("text");
    const reassigned = limited.unitOfWork.run(async ({ posts }) =>
      posts.reassign(post.authorId, heir.id, NOW, ANY_BATCH, null),
    );
    expect((await reassigned)._unsafeUnwrapErr()).toMatchObject(FULL);
    expect(await stored()).toEqual(post);
  });
});
