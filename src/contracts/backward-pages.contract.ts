import { beforeEach, describe, it } from "vitest";
import type { Storage } from "../application/ports/storage.ts";
import { NEWEST_FIRST } from "../domain/post/post-list.ts";
import type { UserId } from "../domain/shared/id.ts";
import type { User } from "../domain/user/user.ts";
import { aDraft, aPublishedPost, aSession, aUser, NOW, postsOf } from "../testing/fixtures.ts";
import { openedStorage } from "./opened-storage.ts";
import type { StorageUnderTest } from "./storage-under-test.ts";
import { expectSamePagesBothWays } from "./page-walk.ts";
import { FIRST_VERSION } from "../domain/shared/version.ts";

const COUNT = 7;
const counted = <T>(make: (index: number) => T) => Array.from({ length: COUNT }, (_, index) => make(index));

/** Every list of every repository returns the same pages backward as forward. */
export function backwardPagesContract(adapter: StorageUnderTest): void {
  describe(`backward pages on ${adapter.name}`, () => {
    const emptied = openedStorage(adapter);
    let storage: Storage;
    let users: readonly User[];

    beforeEach(async () => {
      storage = await emptied();
      users = counted(() => aUser());
      for (const user of users) (await storage.users.insert(user))._unsafeUnwrap();
    });

    const firstUser = (): UserId => (users[0] as User).id;

    it("lead from the last user to the first", async () => {
      await expectSamePagesBothWays(users.toReversed(), async (page) =>
        (await storage.users.list("everybody", page))._unsafeUnwrap(),
      );
    });

    it("lead from the last published author to the first, and skip authors without a published post", async () => {
      const published = users.filter((_, index) => index % 3 !== 1);
      for (const { id } of published) (await storage.posts.insert(aPublishedPost(id)))._unsafeUnwrap();
      await expectSamePagesBothWays(published.toReversed(), async (page) =>
        (await storage.users.list("published_authors", page))._unsafeUnwrap(),
      );
    });

    it("lead from the last session of a user to the first, and skip expired sessions and those of others", async () => {
      const sessions = [];
      for (let i = 0; i < COUNT; i++) {
        const session = aSession(firstUser());
        sessions.push(session);
        for (const each of [session, aSession(firstUser(), undefined, 0), aSession((users[1] as User).id)])
          (await storage.sessions.insert(each, FIRST_VERSION))._unsafeUnwrap();
      }
      await expectSamePagesBothWays(sessions.toReversed(), async (page) =>
        (await storage.sessions.listByUser(firstUser(), NOW, page))._unsafeUnwrap(),
      );
    });

    it("lead from the last post of an author to the first, and skip posts of others", async () => {
      const posts = [];
      for (let i = 0; i < COUNT; i++) {
        const post = i % 2 === 0 ? aDraft(firstUser()) : aPublishedPost(firstUser());
        posts.push(post);
        for (const each of [post, aPublishedPost((users[1] as User).id)])
          (await storage.posts.insert(each))._unsafeUnwrap();
      }
      await expectSamePagesBothWays(posts.toReversed(), async (page) =>
        (await storage.posts.list(postsOf(firstUser()), NEWEST_FIRST, page))._unsafeUnwrap(),
      );
    });
  });
}
