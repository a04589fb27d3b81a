import type { PGlite } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Repositories } from "../../src/application/ports/unit-of-work.ts";
import { NEWEST_FIRST } from "../../src/domain/post/post-list.ts";
import { parseSearchQuery } from "../../src/domain/search/search-query.ts";
import { ANY_STORAGE } from "../../src/infrastructure/drizzle/account-quota.ts";
import { drizzleRepositories } from "../../src/infrastructure/drizzle/drizzle-unit-of-work.ts";
import { searchIndexOn } from "../../src/infrastructure/drizzle/search/search-index.ts";
import { aPublishedPost, aUser, EVERY_POST } from "../../src/testing/fixtures.ts";
import { openTemplate } from "../support/test-storage.ts";

const FIRST = { limit: 10, from: null };
const CORRUPT = { kind: "storage_failure", reason: "corrupt", isTransient: false };

describe("a stored published post with blank content", () => {
  const author = aUser();
  const post = aPublishedPost(author.id, { title: "Engine" });
  let engine: PGlite;
  let posts: Repositories["posts"];

  beforeAll(async () => {
    engine = await openTemplate();
    const db = drizzle({ client: engine });
    const repositories = drizzleRepositories(db, ANY_STORAGE);
    (await repositories.users.insert(author))._unsafeUnwrap();
    ({ posts } = repositories);
    (await posts.insert(post))._unsafeUnwrap();
    (await searchIndexOn(db).sweep())._unsafeUnwrap();
    await engine.query("update posts set content = ' '");
  });
  afterAll(async () => engine.close());

  it("makes findById, list and search fail with the reason corrupt", async () => {
    const query = parseSearchQuery("engine")._unsafeUnwrap();
    expect((await posts.findById(post.id, null))._unsafeUnwrapErr()).toMatchObject(CORRUPT);
    expect((await posts.list(EVERY_POST, NEWEST_FIRST, FIRST))._unsafeUnwrapErr()).toMatchObject(CORRUPT);
    expect((await posts.search(EVERY_POST, query, FIRST))._unsafeUnwrapErr()).toMatchObject(CORRUPT);
  });
});
