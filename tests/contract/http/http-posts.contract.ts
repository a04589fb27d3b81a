import { describe, expect, it } from "vitest";
import { LATER, NOW, nextId } from "../../../src/testing/fixtures.ts";
import { nextLink, toPage, previousLink, problemOf, type OpenRemoteApi, type PostBody } from "../../support/api.ts";

const MIB = 1_048_576;

const pathOf = ({ id }: PostBody) => `/v1/posts/${id}`;

export function httpPostsContract(open: OpenRemoteApi) {
  describe("POST /v1/posts", () => {
    it("returns the whole post, which is a draft by default", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "On Engines", content: "Note G" });
      expect(reply.status).toBe(201);
      expect(reply.body).toEqual({
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/) as string,
        title: "On Engines",
        content: "Note G",
        status: "draft",
        authorId: owner.id,
        publishedAt: null,
        version: 1,
        createdAt: "2026-03-01T12:00:00.123Z",
        updatedAt: "2026-03-01T12:00:00.123Z",
      });
    });

    it("publishes the post with the status published", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "T", content: "C", status: "published" });
      expect(reply.body).toMatchObject({ status: "published", publishedAt: NOW.toISOString(), version: 1 });
    });

    it("returns the Location and the ETag of the post", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "T", content: "C", status: "draft" });
      const location = reply.headers.get("Location") ?? "";
      expect(location).toBe(pathOf(reply.body as PostBody));
      const found = await owner.get(location);
      expect(found.status).toBe(200);
      expect(found.body).toEqual(reply.body);
      expect(reply.headers.get("ETag")).toBe('"1"');
      expect(found.headers.get("ETag")).toBe('"1"');
    });

    it("preserves title and content of any script", async () => {
      const { author } = await open();
      const owner = await author();
      const fields = { title: " Zoë 李 🦜 ", content: "e\u0301 \u202e \r\n\t'\"\\ ${} 𝒜 " };
      const written = await owner.write(fields);
      expect((await owner.get(pathOf(written))).body).toMatchObject(fields);
    });

    it("accepts 1 MiB of content with every byte escaped in JSON", async () => {
      const { author } = await open();
      const owner = await author();
      const content = "a".repeat(MIB);
      const raw = `{"title":"T","content":"${String.raw`\u0061`.repeat(MIB)}"}`;
      const headers = { "Content-Type": "application/json" };
      const reply = await owner.call("POST", "/v1/posts", { raw, headers });
      expect(reply.status).toBe(201);
      const written = reply.body as Awaited<ReturnType<typeof owner.write>>;
      expect((await owner.get(pathOf(written))).body).toEqual(written);
      expect(written.content === content).toBe(true);
    });

    it("answers 401 to an author who has been deleted", async () => {
      const { author, admin } = await open();
      const owner = await author();
      await (await admin()).delete(owner.path);
      const reply = await owner.post("/v1/posts", { title: "T", content: "C" });
      expect(problemOf(reply)).toBe("401 invalid_session");
    });
  });

  describe("GET /v1/posts", () => {
    it("shows published posts to all clients, and drafts to their author and to admins, newest first", async () => {
      const { nobody, author, admin } = await open();
      const owner = await author();
      const other = await author();
      const root = await admin();
      const published = await owner.write({ status: "published" });
      const draft = await owner.write();
      const othersDraft = await other.write();
      const othersPost = await other.write({ status: "published" });
      const shown = async (viewer: Pick<typeof nobody, "get">) => (await viewer.get("/v1/posts")).body;
      expect(await shown(nobody)).toEqual({ items: [othersPost, published], nextCursor: null, previousCursor: null });
      expect(await shown(owner)).toEqual({
        items: [othersPost, draft, published],
        nextCursor: null,
        previousCursor: null,
      });
      expect(await shown(other)).toEqual({
        items: [othersPost, othersDraft, published],
        nextCursor: null,
        previousCursor: null,
      });
      expect(await shown(root)).toEqual({
        items: [othersPost, othersDraft, draft, published],
        nextCursor: null,
        previousCursor: null,
      });
    });

    it("returns an empty list when the client may see no post", async () => {
      const { nobody } = await open();
      const reply = await nobody.get("/v1/posts");
      expect(reply.body).toEqual({ items: [], nextCursor: null, previousCursor: null });
      expect(reply.headers.get("Link")).toBeNull();
    });

    it("returns 20 posts on a page by default", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      for (let i = 0; i < 21; i++) await owner.write({ title: `${i}`, status: "published" });
      const page = await nobody.get("/v1/posts");
      expect(toPage(page).items).toHaveLength(20);
      expect(toPage(await nobody.get(nextLink(page) ?? "")).items).toMatchObject([{ title: "0" }]);
      expect(toPage(await nobody.get("/v1/posts?limit=100")).items).toHaveLength(21);
    });

    it("ends a page early when its posts exceed the maximum of bytes, and links the next page", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const content = '"'.repeat(MIB / 8);
      for (let i = 0; i < 5; i++) await owner.write({ title: `${i}`, content, status: "published" });
      const page = await nobody.get("/v1/posts?limit=100&include=author&count=true");
      expect(toPage(page).items).toHaveLength(4);
      const [first] = toPage(page).items;
      const beyondFirst = Buffer.byteLength(page.text) - Buffer.byteLength(JSON.stringify(first));
      expect(beyondFirst).toBeLessThanOrEqual(MIB);
      // The parameter fields does not change the size of the pages.
      expect(toPage(await nobody.get("/v1/posts?limit=100&fields=title")).items).toHaveLength(4);
      const last = await nobody.get(nextLink(page) ?? "");
      expect(toPage(last).items).toMatchObject([{ title: "0" }]);
      expect(nextLink(last)).toBeNull();
    });

    it("has no next link on a full last page", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      for (let i = 0; i < 2; i++) await owner.write({ status: "published" });
      const page = await nobody.get("/v1/posts?limit=2");
      expect(toPage(page)).toMatchObject({ nextCursor: null, items: [{}, {}] });
      expect(page.headers.get("Link")).toBeNull();
    });

    it("returns every post once through the next links while posts are inserted and deleted", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const written: PostBody[] = [];
      for (let i = 0; i < 7; i++) written.unshift(await owner.write({ title: `${i}`, status: "published" }));
      const seen: string[] = [];
      let path: string | null = "/v1/posts?limit=2";
      while (path !== null) {
        const page = await nobody.get(path);
        const { items, nextCursor } = toPage(page);
        seen.push(...items.map(({ id }) => id));
        path = nextLink(page);
        if (path === null) expect(nextCursor).toBeNull();
        else expect(new URL(path, "http://quire").searchParams.get("cursor")).toBe(nextCursor);
        await owner.write({ title: "in between", status: "published" });
        // The post of the cursor is deleted. The next page must start at its position.
        await owner.delete(`/v1/posts/${items.at(-1)?.id}`);
      }
      expect(seen).toEqual(written.map(({ id }) => id));
    });

    it("returns every post once through the previous links while posts are deleted", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const written: PostBody[] = [];
      for (let i = 0; i < 7; i++) written.unshift(await owner.write({ title: `${i}`, status: "published" }));
      let page = await nobody.get("/v1/posts?limit=2");
      for (let next = nextLink(page); next !== null; next = nextLink(page)) page = await nobody.get(next);
      const seen = toPage(page).items.map(({ id }) => id);
      for (let path = previousLink(page); path !== null; path = previousLink(page)) {
        expect(new URL(path, "http://quire").searchParams.get("cursor")).toBe(toPage(page).previousCursor);
        page = await nobody.get(path);
        const { items } = toPage(page);
        seen.unshift(...items.map(({ id }) => id));
        // The post of the cursor is deleted. The previous page must end at its position.
        await owner.delete(`/v1/posts/${items[0]?.id}`);
      }
      expect(toPage(page).previousCursor).toBeNull();
      expect(seen).toEqual(written.map(({ id }) => id));
    });

    it("includes the authors with include=author, which the next link keeps", async () => {
      const { nobody, author } = await open();
      const [ada, grace] = [await author(), await author()];
      const posts = [await ada.write({ status: "published" }), await grace.write({ status: "published" })];
      const nameOf = ({ user: { id, name } }: typeof ada) => ({ id, name });
      const newest = { ...posts[1], author: nameOf(grace) };
      const oldest = { ...posts[0], author: nameOf(ada) };
      expect(toPage(await nobody.get("/v1/posts?include=author")).items).toEqual([newest, oldest]);
      const page = await nobody.get("/v1/posts?limit=1&include=author");
      expect(toPage(page).items).toEqual([newest]);
      expect(toPage(await nobody.get(nextLink(page) ?? "")).items).toEqual([oldest]);
      expect(toPage(await nobody.get(`${ada.path}/posts?include=author`)).items).toEqual([oldest]);
    });

    it("shows the current name of an author", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      await nobody.get("/v1/posts?include=author");
      await owner.patch(owner.path, { name: "Augusta" });
      const { items } = toPage(await nobody.get("/v1/posts?include=author"));
      expect(items).toMatchObject([{ author: { id: owner.id, name: "Augusta" } }]);
    });

    it("applies the rights of the client to every page, even with the cursor of another user", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write();
      const published = await owner.write({ status: "published" });
      await owner.write();
      const page = await owner.get("/v1/posts?limit=1");
      const reply = await nobody.get(nextLink(page) ?? "");
      expect(toPage(reply)).toMatchObject({ items: [published], nextCursor: null });
    });
  });

  describe("GET /v1/posts/:id", () => {
    it("shows a published post to all clients", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const other = await author();
      const post = await owner.write({ status: "published" });
      for (const viewer of [nobody, other, owner]) {
        const reply = await viewer.get(pathOf(post));
        expect(reply.status).toBe(200);
        expect(reply.body).toEqual(post);
        expect(reply.headers.get("ETag")).toBe('"1"');
      }
    });

    it("shows a draft to its author and to admins", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const draft = await owner.write();
      for (const viewer of [owner, await admin()]) expect((await viewer.get(pathOf(draft))).body).toEqual(draft);
    });

    it("answers 404 for another author's draft exactly as for an unknown post", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const other = await author();
      const draft = await owner.write();
      for (const viewer of [nobody, other]) {
        const [hidden, missing] = [await viewer.get(pathOf(draft)), await viewer.get(`/v1/posts/${nextId()}`)];
        expect(problemOf(hidden)).toBe("404 post_not_found");
        expect({ ...(hidden.body as object), requestId: null }).toEqual({
          ...(missing.body as object),
          requestId: null,
        });
        expect(hidden.headers.get("ETag")).toBeNull();
      }
    });
  });

  describe("PATCH /v1/posts/:id", () => {
    it("changes the given fields, keeps the others, and returns the updated post", async () => {
      const { author, clock } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      clock.set(LATER);
      const reply = await owner.patch(pathOf(post), { title: "Another" });
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ ...post, title: "Another", version: 2, updatedAt: LATER.toISOString() });
      expect(reply.headers.get("ETag")).toBe('"2"');
      expect((await owner.get(pathOf(post))).body).toEqual(reply.body);
    });

    it("keeps the version when nothing changes", async () => {
      const { author, clock } = await open();
      const owner = await author();
      const post = await owner.write();
      clock.set(LATER);
      for (const patch of [{}, { title: post.title, content: post.content }]) {
        const reply = await owner.patch(pathOf(post), patch);
        expect(reply.status).toBe(200);
        expect(reply.body).toEqual(post);
        expect(reply.headers.get("ETag")).toBe('"1"');
      }
    });
  });

  describe("DELETE /v1/posts/:id", () => {
    it("deletes the post", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      expect((await owner.delete(pathOf(post))).status).toBe(204);
      expect(problemOf(await owner.get(pathOf(post)))).toBe("404 post_not_found");
      expect(problemOf(await owner.delete(pathOf(post)))).toBe("404 post_not_found");
    });
  });

  describe("POST /v1/posts/:id/publish and /unpublish", () => {
    it("publishes a draft, with the current time as publishedAt", async () => {
      const { author, nobody, clock } = await open();
      const owner = await author();
      const draft = await owner.write();
      clock.set(LATER);
      const reply = await owner.post(`${pathOf(draft)}/publish`);
      const now = LATER.toISOString();
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ ...draft, status: "published", publishedAt: now, version: 2, updatedAt: now });
      expect(reply.headers.get("ETag")).toBe('"2"');
      expect((await nobody.get(pathOf(draft))).body).toEqual(reply.body);
    });

    it("unpublishes a post", async () => {
      const { author, nobody, clock } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      clock.set(LATER);
      const reply = await owner.post(`${pathOf(post)}/unpublish`);
      const updatedAt = LATER.toISOString();
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual({ ...post, status: "draft", publishedAt: null, version: 2, updatedAt });
      expect(reply.headers.get("ETag")).toBe('"2"');
      expect(problemOf(await nobody.get(pathOf(post)))).toBe("404 post_not_found");
    });

    it("sets a new publishedAt when a post is published again", async () => {
      const { author, clock } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      await owner.post(`${pathOf(post)}/unpublish`);
      clock.set(LATER);
      const reply = await owner.post(`${pathOf(post)}/publish`);
      expect(reply.body).toMatchObject({ publishedAt: LATER.toISOString(), version: 3 });
    });
  });

  describe("If-Match on /v1/posts/:id", () => {
    it("rejects PATCH, DELETE and POST /publish with a stale ETag, and accepts them with the current one", async () => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      const [path, stale] = [pathOf(draft), { "If-Match": '"1"' }];
      const changed = await owner.patch(path, { content: "changed" }, stale);
      const refused = [
        await owner.patch(path, { title: "Another" }, stale),
        await owner.delete(path, stale),
        await owner.post(`${path}/publish`, undefined, stale),
      ];
      expect(refused.map(problemOf)).toEqual(Array.from(refused, () => "412 precondition_failed"));
      expect((await owner.get(path)).body).toEqual(changed.body);
      expect((await owner.post(`${path}/publish`, undefined, { "If-Match": '"2"' })).status).toBe(200);
      expect((await owner.delete(path, { "If-Match": '"3"' })).status).toBe(204);
    });

    it("accepts exactly one of two concurrent changes of the same version", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const replies = await Promise.all(
        ["A", "B"].map(async (title) => owner.patch(pathOf(post), { title }, { "If-Match": '"1"' })),
      );
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    });

    it("accepts both of two concurrent changes without If-Match", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const patches = [{ title: "Another" }, { content: "changed" }];
      const replies = await Promise.all(patches.map(async (patch) => owner.patch(pathOf(post), patch)));
      expect(replies.map(({ status }) => status)).toEqual([200, 200]);
      expect((await owner.get(pathOf(post))).body).toMatchObject({ title: "Another", content: "changed", version: 3 });
    });
  });
}
