import { describe, expect, it } from "vitest";
import { HTTP_SETTINGS, toPage, problemOf, type Call, type Client, type OpenRemoteApi } from "../../support/api.ts";

const tagOf = async (client: Client, path: string): Promise<string> =>
  (await client.get(path)).headers.get("ETag") ?? expect.fail(`${path} has no ETag`);

/** Returns true if a conditional GET of `path` with this ETag answers 200 instead of 304. */
const hasChanged = async (client: Client, path: string, tag: string): Promise<boolean> =>
  (await client.get(path, { "If-None-Match": tag })).status === 200;

export function httpConditional(open: OpenRemoteApi) {
  describe("a server that requires If-Match", () => {
    const strict = async () => open({ http: { ...HTTP_SETTINGS, requireIfMatch: true } });

    it("rejects PATCH and DELETE of a post without it", async () => {
      const owner = await (await strict()).author();
      const post = await owner.write();
      const path = `/v1/posts/${post.id}`;
      expect(problemOf(await owner.patch(path, { title: "Another" }))).toBe("428 precondition_required");
      expect(problemOf(await owner.delete(path))).toBe("428 precondition_required");
      expect((await owner.get(path)).body).toEqual(post);
    });

    it.each(['"1"', "*"])("accepts PATCH and DELETE of a post with If-Match: %s", async (tag) => {
      const owner = await (await strict()).author();
      const [edited, deleted] = [await owner.write(), await owner.write()];
      const headers = { "If-Match": tag };
      expect((await owner.patch(`/v1/posts/${edited.id}`, { title: "Another" }, headers)).status).toBe(200);
      expect((await owner.delete(`/v1/posts/${deleted.id}`, headers)).status).toBe(204);
    });

    it("accepts publishing a post and PATCH of a user without it", async () => {
      const owner = await (await strict()).author();
      const post = await owner.write();
      expect((await owner.post(`/v1/posts/${post.id}/publish`)).status).toBe(200);
      expect((await owner.patch(owner.path, { name: "Grace" })).status).toBe(200);
    });
  });

  describe("a server that does not require If-Match", () => {
    it("accepts PATCH and DELETE of a post without it", async () => {
      const owner = await (await open()).author();
      const post = await owner.write();
      expect((await owner.patch(`/v1/posts/${post.id}`, { title: "Another" })).status).toBe(200);
      expect((await owner.delete(`/v1/posts/${post.id}`)).status).toBe(204);
    });
  });

  describe("the ETag of a list", () => {
    const LISTS = ["/v1/posts", "/v1/posts?include=author", "/v1/posts?limit=1", "/v1/users", "/v1/sessions"];

    it.each(LISTS)("is weak at %s, and If-None-Match with it answers 304", async (path) => {
      const owner = await (await open()).author();
      for (const title of ["One", "Two"]) await owner.write({ title, status: "published" });
      const full = await owner.get(path);
      const tag = full.headers.get("ETag") ?? "";
      expect(tag).toMatch(/^W\/"[0-9a-f]{32}"$/);
      for (const header of [tag, tag.slice(2), `"1", ${tag}`, "*"]) {
        const reply = await owner.get(path, { "If-None-Match": header });
        expect(reply.status).toBe(304);
        for (const name of ["ETag", "Vary", "Cache-Control"]) {
          expect(reply.headers.get(name), name).toBe(full.headers.get(name));
        }
      }
      expect((await owner.get(path, { "If-None-Match": '"1"' })).status).toBe(200);
    });

    it("changes after every change of its posts", async () => {
      const owner = await (await open()).author();
      const path = `${owner.path}/posts`;
      const tags = [await tagOf(owner, path)];
      const note = async (change: { readonly status: number }) => {
        expect(change.status).toBeLessThan(300);
        tags.push(await tagOf(owner, path));
      };
      const { id } = await owner.write({ title: "One" });
      await note({ status: 201 });
      await note(await owner.patch(`/v1/posts/${id}`, { title: "Another" }));
      await note(await owner.post(`/v1/posts/${id}/publish`));
      await owner.write({ title: "Two" });
      await note({ status: 201 });
      await note(await owner.post(`/v1/posts/${id}/unpublish`));
      await note(await owner.delete(`/v1/posts/${id}`));
      expect(new Set(tags).size).toBe(tags.length);
    });

    it("changes with include=author when an author is renamed", async () => {
      const owner = await (await open()).author();
      await owner.write({ status: "published" });
      const [plain, authored] = ["/v1/posts", "/v1/posts?include=author"];
      const tags = [await tagOf(owner, plain), await tagOf(owner, authored)] as const;
      await owner.patch(owner.path, { name: "Grace" });
      expect(await hasChanged(owner, plain, tags[0])).toBe(false);
      expect(await hasChanged(owner, authored, tags[1])).toBe(true);
    });

    it("of users depends on the rights of the client, and changes with a user", async () => {
      const { author, admin, nobody } = await open();
      const [owner, root] = [await author(), await admin()];
      for (const person of [owner, root]) await person.write({ status: "published" });
      const tags = await Promise.all([nobody, owner, root].map(async (client) => tagOf(client, "/v1/users")));
      expect(new Set(tags).size).toBe(3);
      await owner.patch(owner.path, { name: "Grace" });
      expect(await hasChanged(nobody, "/v1/users", tags[0] ?? "")).toBe(true);
    });

    it("differs between a page with a next page and a last page with the same posts", async () => {
      const owner = await (await open()).author();
      const { id } = await owner.write();
      await owner.write();
      const tag = await tagOf(owner, "/v1/posts?limit=1");
      await owner.delete(`/v1/posts/${id}`);
      expect(await hasChanged(owner, "/v1/posts?limit=1", tag)).toBe(true);
    });

    it("is never strong, so If-Match with it fails with 412", async () => {
      const owner = await (await open()).author();
      for (const title of ["One", "Two"]) await owner.write({ title });
      const tag = await tagOf(owner, "/v1/posts");
      for (const header of [tag, tag.slice(2), '"1"']) {
        expect(problemOf(await owner.get("/v1/posts", { "If-Match": header }))).toBe("412 precondition_failed");
        expect(problemOf(await owner.get("/v1/posts?limit=1", { "If-Match": header }))).toBe("412 precondition_failed");
      }
      expect(toPage(await owner.get("/v1/posts", { "If-Match": "*" })).items).toHaveLength(2);
    });
  });

  describe("a single resource", () => {
    it("answers GET with If-Match only if its ETag matches", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const path = `/v1/posts/${(await owner.write({ status: "published" })).id}`;
      expect((await nobody.get(path, { "If-Match": '"7", "1"' })).status).toBe(200);
      expect((await nobody.call("HEAD", path, { headers: { "If-Match": '"2"' } })).status).toBe(412);
      expect(problemOf(await nobody.get(path, { "If-Match": 'W/"1"' }))).toBe("412 precondition_failed");
      expect(problemOf(await nobody.get(owner.path, { "If-Match": '"1"' }))).toBe("412 precondition_failed");
      expect((await owner.get(owner.path, { "If-Match": '"1"' })).status).toBe(200);
    });

    it("answers HEAD with 304 like GET", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const path = `/v1/posts/${(await owner.write({ status: "published" })).id}`;
      const reply = await nobody.call("HEAD", path, { headers: { "If-None-Match": '"1"' } });
      expect(reply.status).toBe(304);
      expect(reply.headers.get("ETag")).toBe('"1"');
    });

    it("answers 404 with a precondition when it does not exist", async () => {
      const { nobody } = await open();
      const path = "/v1/posts/00000000-0000-7000-8000-000000000000";
      expect(problemOf(await nobody.get(path, { "If-Match": '"1"' }))).toBe("404 post_not_found");
    });

    const CHANGES: readonly (readonly [method: string, suffix: string, call: Call])[] = [
      ["PATCH", "", { json: { title: "Another" } }],
      ["DELETE", "", {}],
      ["POST", "/publish", {}],
    ];

    it.each(CHANGES)("rejects %s%s when If-None-Match matches its version", async (method, suffix, call) => {
      const owner = await (await open()).author();
      const post = await owner.write();
      const path = `/v1/posts/${post.id}`;
      for (const tag of ['"1"', 'W/"1"', '"2", "1"', "*"]) {
        const reply = await owner.call(method, `${path}${suffix}`, { ...call, headers: { "If-None-Match": tag } });
        expect(problemOf(reply)).toBe("412 precondition_failed");
      }
      expect((await owner.get(path)).body).toEqual(post);
      const others = { headers: { "If-Match": '"1"', "If-None-Match": '"2"' } };
      expect((await owner.call(method, `${path}${suffix}`, { ...call, ...others })).status).toBeLessThan(300);
    });
  });

  describe("Cache-Control", () => {
    it("is public without a session and private with one", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const path = `/v1/posts/${(await owner.write({ status: "published" })).id}`;
      for (const list of ["/v1/posts", path, owner.path]) {
        expect((await nobody.get(list)).headers.get("Cache-Control")).toBe("public, no-cache");
        expect((await owner.get(list)).headers.get("Cache-Control")).toBe("private, no-cache");
      }
      const changed = await owner.patch(path, { title: "Another" });
      expect(changed.headers.get("Cache-Control")).toBe("private, no-cache");
    });

    it("is no-store for a problem", async () => {
      const { nobody } = await open();
      expect((await nobody.get("/v1/posts/1")).headers.get("Cache-Control")).toBe("no-store");
    });
  });

  describe("OPTIONS", () => {
    it.each([
      ["/v1/posts/00000000-0000-7000-8000-000000000000", "application/merge-patch+json, application/json"],
      ["/v1/users/00000000-0000-7000-8000-000000000000", "application/merge-patch+json, application/json"],
      ["/v1/posts", null],
    ])("sends Accept-Patch for %s: %s", async (path, types) => {
      const { nobody } = await open();
      expect((await nobody.call("OPTIONS", path)).headers.get("Accept-Patch")).toBe(types);
      expect((await nobody.call("PURGE", path)).headers.get("Accept-Patch")).toBe(types);
    });
  });
}
