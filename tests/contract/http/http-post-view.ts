import { describe, expect, it } from "vitest";
import { fieldCodes, problemOf, type OpenRemoteApi } from "../../support/api.ts";

export function httpPostView(open: OpenRemoteApi) {
  describe("GET /v1/posts/:id?include=author", () => {
    it("adds the same fields of the author as a list does", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      const reply = await nobody.get(`/v1/posts/${post.id}?include=author`);
      expect(reply.body).toEqual({ ...post, author: { id: owner.id, name: owner.user.name } });
      const listed = await nobody.get("/v1/posts?include=author");
      expect(listed.body).toMatchObject({ items: [reply.body] });
    });

    it("has an ETag that changes only with the author's name and the post", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      const path = `/v1/posts/${post.id}?include=author`;
      const tagNow = async () => (await nobody.get(path)).headers.get("ETag") ?? "";
      const first = await tagNow();
      expect(first).toMatch(/^"1-author-[0-9a-f]{32}"$/);
      expect((await nobody.get(path, { "If-None-Match": first })).status).toBe(304);
      expect((await nobody.get(path, { "If-Match": first })).status).toBe(200);

      await owner.patch(owner.path, { name: "Ada King" });
      const renamed = await nobody.get(path, { "If-None-Match": first });
      expect(renamed.status).toBe(200);
      expect(renamed.body).toMatchObject({ author: { name: "Ada King" } });
      expect(problemOf(await nobody.get(path, { "If-Match": first }))).toBe("412 precondition_failed");

      const second = await tagNow();
      await owner.patch(owner.path, { email: `new.${owner.email}`, currentPassword: "correct horse battery staple" });
      expect(await tagNow()).toBe(second);
      await owner.patch(`/v1/posts/${post.id}`, { title: "Another" });
      expect(await tagNow()).toMatch(/^"2-author-[0-9a-f]{32}"$/);
    });

    it("returns an ETag that If-Match of a change accepts", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const path = `/v1/posts/${post.id}`;
      const tag = (await owner.get(`${path}?include=author`)).headers.get("ETag") ?? "";
      expect((await owner.patch(path, { title: "Another" }, { "If-Match": tag })).status).toBe(200);
      const stale = await owner.patch(path, { title: "Late" }, { "If-Match": tag });
      expect(problemOf(stale)).toBe("412 precondition_failed");
    });

    it("answers 404 to a guest for a draft", async () => {
      const { author, nobody } = await open();
      const { id } = await (await author()).write();
      expect(problemOf(await nobody.get(`/v1/posts/${id}?include=author&fields=title`))).toBe("404 post_not_found");
    });
  });

  describe("GET /v1/posts/:id?fields=", () => {
    it("returns only the id and the requested fields", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const { id, title, version } = await owner.write({ status: "published" });
      const reply = await nobody.get(`/v1/posts/${id}?fields=title,version`);
      expect(reply.body).toEqual({ id, title, version });
      expect(reply.headers.get("ETag")).toBe('"1"');
      expect((await nobody.get(`/v1/posts/${id}?fields=title`, { "If-None-Match": '"1"' })).status).toBe(304);
      const both = await nobody.get(`/v1/posts/${id}?fields=title&include=author`);
      expect(both.body).toEqual({ id, title, author: { id: owner.id, name: owner.user.name } });
    });

    it.each([
      ["fields=body", "/fields: not_allowed"],
      ["fields=", "/fields: not_allowed"],
      ["fields=author", "/fields: not_allowed"],
      ["include=posts", "/include: not_allowed"],
      ["include=", "/include: not_allowed"],
      ["expand=author", "/expand: unknown_field"],
      ["count=true", "/count: unknown_field"],
    ])("rejects %s", async (query, expected) => {
      const { author, nobody } = await open();
      const { id } = await (await author()).write({ status: "published" });
      const reply = await nobody.get(`/v1/posts/${id}?${query}`);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });
}
