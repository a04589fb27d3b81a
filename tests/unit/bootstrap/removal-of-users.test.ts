import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { PostRepository } from "../../../src/domain/post/post-repository.ts";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import { HTTP_SETTINGS, openApi, type PageBody } from "../../support/api.ts";
import { fail } from "../../../src/domain/shared/fail.ts";

/** The API on a storage with a replaced deleteByAuthor. */
function openWith(deleteByAuthor: (real: PostRepository) => PostRepository["deleteByAuthor"]) {
  const storage = openMemoryStorage();
  const posts = { ...storage.posts, deleteByAuthor: deleteByAuthor(storage.posts) };
  return openApi({ ...storage, posts }, { http: { ...HTTP_SETTINGS, requestTimeoutMs: 1000 } });
}

const WAYS: readonly (readonly [string, (real: PostRepository) => PostRepository["deleteByAuthor"]])[] = [
  ["takes longer than the request timeout", () => async () => new Promise<never>(() => {})],
  [
    "fails for now",
    () => async () =>
      fail({ kind: "storage_failure", reason: "busy", isTransient: false, operation: "test", cause: null } as const),
  ],
];

describe("DELETE /v1/users/:id?posts=delete", () => {
  it.each(WAYS)("answers 202 and removes the user when the deletion of the posts %s", async (_, deleteByAuthor) => {
    const api = openWith(deleteByAuthor);
    const author = await api.author();
    const post = await author.write({ status: "published" });
    const reply = await author.leave("?posts=delete");
    expect([reply.status, reply.text]).toEqual([202, ""]);
    expect((await api.nobody.get(author.path)).status).toBe(404);
    expect((await author.get("/v1/sessions")).status).toBe(401);
    expect((await api.nobody.get(`/v1/posts/${post.id}`)).status).toBe(200);
    const { items } = (await api.nobody.get("/v1/posts?include=author")).body as PageBody;
    expect(items).toMatchObject([{ id: post.id, author: null }]);
  });

  it("answers 204 after the deletion of the posts when that is short", async () => {
    const api = openWith((real) => async (...args) => {
      await delay(10);
      return real.deleteByAuthor(...args);
    });
    const author = await api.author();
    const post = await author.write({ status: "published" });
    expect((await author.leave("?posts=delete")).status).toBe(204);
    expect((await api.nobody.get(`/v1/posts/${post.id}`)).status).toBe(404);
  });
});
