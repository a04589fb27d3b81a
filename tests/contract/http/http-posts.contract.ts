import { describe, expect, it } from "vitest";
import { LATER, NOW, nextId } from "../../support/fixtures.ts";
import {
  fieldCodes,
  nextLink,
  toPage,
  previousLink,
  problemOf,
  type OpenApi,
  type PostBody,
} from "../../support/api.ts";

const MIB = 1_048_576;

const pathOf = ({ id }: PostBody) => `/v1/posts/${id}`;

const callOf = (json: object | undefined) => (json === undefined ? {} : { json });

export function httpPostsContract(open: OpenApi) {
  describe("POST /v1/posts", () => {
    it("answers with the whole post, which is a draft when nothing else is asked for", async () => {
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

    it("publishes at once when asked to", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "T", content: "C", status: "published" });
      expect(reply.body).toMatchObject({ status: "published", publishedAt: NOW.toISOString(), version: 1 });
    });

    it("says where the post is, with the tag that it has there", async () => {
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

    it("keeps title and content of any script as they are given", async () => {
      const { author } = await open();
      const owner = await author();
      const fields = { title: " Zoë 李 🦜 ", content: "e\u0301 \u202e \r\n\t'\"\\ ${} 𝒜 " };
      const written = await owner.write(fields);
      expect((await owner.get(pathOf(written))).body).toMatchObject(fields);
    });

    it("takes a draft without content, and publishes none", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.write({ content: "" })).content).toBe("");
      const reply = await owner.post("/v1/posts", { title: "T", content: " \n", status: "published" });
      expect(problemOf(reply)).toBe("422 content_required");
      expect(fieldCodes(reply)).toEqual(["/content: content_required"]);
    });

    it("takes content of 1 MiB, each byte of it escaped", async () => {
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

    it.each([
      ["no title", { title: undefined }, "/title: required"],
      ["null for a title", { title: null }, "/title: wrong_type"],
      ["an empty title", { title: "" }, "/title: too_short"],
      ["a title of white space", { title: " \u2003" }, "/title: blank"],
      ["a title of 301 characters", { title: "é".repeat(301) }, "/title: too_long"],
      ["a title with U+0000", { title: "T\0" }, "/title: nul_character"],
      ["a title with a lone surrogate", { title: "T\ud800" }, "/title: lone_surrogate"],
      ["a title of invisible characters", { title: "\u200b\u3164" }, "/title: blank"],
      ["a title with a line feed", { title: "a\nb" }, "/title: control_character"],
      ["a title with a bell", { title: "a\u0007b" }, "/title: control_character"],
      ["a title with an override of direction", { title: "\u202egnp.exe" }, "/title: bidirectional_control"],
      ["content with a bell", { content: "a\u0007b" }, "/content: control_character"],
      ["content with DEL", { content: "a\u007fb" }, "/content: control_character"],
      ["content with the CSI of C1", { content: "a\u009bb" }, "/content: control_character"],
      ["no content", { content: undefined }, "/content: required"],
      ["a list for content", { content: ["C"] }, "/content: wrong_type"],
      ["content of more than 1 MiB", { content: `${"é".repeat(MIB / 2)}x` }, "/content: too_many_bytes"],
      ["content with U+0000", { content: "C\0" }, "/content: nul_character"],
      ["content with a lone surrogate", { content: "\udc00C" }, "/content: lone_surrogate"],
      ["a status that there is not", { status: "archived" }, "/status: not_allowed"],
      ["null for a status", { status: null }, "/status: not_allowed"],
      ["an author", { authorId: "00000000-0000-7000-8000-000000000000" }, "/authorId: unknown_field"],
      ["an unknown field", { tags: [] }, "/tags: unknown_field"],
    ])("refuses %s", async (_, fields, expected) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "T", content: "C", ...fields });
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });

    it("takes a title of 300 characters", async () => {
      const { author } = await open();
      const owner = await author();
      const title = "🦜".repeat(300);
      expect((await owner.write({ title })).title).toBe(title);
    });

    it("names every wrong field at once", async () => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "", status: "x", a: 1, b: 2 });
      expect(fieldCodes(reply)).toEqual([
        "/title: too_short",
        "/content: required",
        "/status: not_allowed",
        "/a: unknown_field",
        "/b: unknown_field",
      ]);
    });

    it("names a hundred wrong fields at most, however many there are", async () => {
      const { author } = await open();
      const owner = await author();
      const unknown = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`field${n}`, 0]));
      const codes = fieldCodes(await owner.post("/v1/posts", { content: "C", ...unknown }));
      expect(codes).toHaveLength(100);
      expect(codes).toEqual(expect.arrayContaining(["/title: required", "/field98: unknown_field"]));
    });

    it("refuses an author who is gone since", async () => {
      const { author, admin } = await open();
      const owner = await author();
      await (await admin()).delete(owner.path);
      const reply = await owner.post("/v1/posts", { title: "T", content: "C" });
      expect(problemOf(reply)).toBe("401 invalid_session");
    });
  });

  describe("GET /v1/posts", () => {
    it("shows published posts to everybody, drafts to their author and to admins, newest first", async () => {
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

    it("shows an empty list where there is nothing to see", async () => {
      const { nobody } = await open();
      const reply = await nobody.get("/v1/posts");
      expect(reply.body).toEqual({ items: [], nextCursor: null, previousCursor: null });
      expect(reply.headers.get("Link")).toBeNull();
    });

    it("shows 20 posts on a page when no limit is given", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      for (let i = 0; i < 21; i++) await owner.write({ title: `${i}`, status: "published" });
      const page = await nobody.get("/v1/posts");
      expect(toPage(page).items).toHaveLength(20);
      expect(toPage(await nobody.get(nextLink(page) ?? "")).items).toMatchObject([{ title: "0" }]);
      expect(toPage(await nobody.get("/v1/posts?limit=100")).items).toHaveLength(21);
    });

    it("ends a page early when its content is much, and goes on with the next", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      const content = '"'.repeat(MIB / 8);
      for (let i = 0; i < 5; i++) await owner.write({ title: `${i}`, content, status: "published" });
      const page = await nobody.get("/v1/posts?limit=100&include=author&count=true");
      expect(toPage(page).items).toHaveLength(4);
      const [first] = toPage(page).items;
      const beyondFirst = Buffer.byteLength(page.text) - Buffer.byteLength(JSON.stringify(first));
      expect(beyondFirst).toBeLessThanOrEqual(MIB);
      // Whatever is shown of each post, the pages are the same.
      expect(toPage(await nobody.get("/v1/posts?limit=100&fields=title")).items).toHaveLength(4);
      const last = await nobody.get(nextLink(page) ?? "");
      expect(toPage(last).items).toMatchObject([{ title: "0" }]);
      expect(nextLink(last)).toBeNull();
    });

    it("links no next page when the last one is full", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      for (let i = 0; i < 2; i++) await owner.write({ status: "published" });
      const page = await nobody.get("/v1/posts?limit=2");
      expect(toPage(page)).toMatchObject({ nextCursor: null, items: [{}, {}] });
      expect(page.headers.get("Link")).toBeNull();
    });

    it("shows every row once to one who follows the links while others insert and delete", async () => {
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
        // What the page ended with goes, too: the next one begins where it was.
        await owner.delete(`/v1/posts/${items.at(-1)?.id}`);
      }
      expect(seen).toEqual(written.map(({ id }) => id));
    });

    it("shows every row once to one who follows the links back, while others delete", async () => {
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
        // What the page began with goes: the one before it ends where it was.
        await owner.delete(`/v1/posts/${items[0]?.id}`);
      }
      expect(toPage(page).previousCursor).toBeNull();
      expect(seen).toEqual(written.map(({ id }) => id));
    });

    it("keeps the limit in the link to the next page", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      for (let i = 0; i < 2; i++) await owner.write({ status: "published" });
      const page = await nobody.get("/v1/posts?limit=1");
      expect(nextLink(page)).toBe(`/v1/posts?limit=1&cursor=${toPage(page).nextCursor}`);
    });

    it("includes the authors when asked to, also in the link to the next page", async () => {
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

    it("shows the name that an author has now", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      await nobody.get("/v1/posts?include=author");
      await owner.patch(owner.path, { name: "Augusta" });
      const { items } = toPage(await nobody.get("/v1/posts?include=author"));
      expect(items).toMatchObject([{ author: { id: owner.id, name: "Augusta" } }]);
    });

    it("includes nothing that there is not", async () => {
      const { nobody } = await open();
      const reply = await nobody.get("/v1/posts?include=comments");
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual(["/include: not_allowed"]);
    });

    it("decides anew with each page who sees what, whoever the cursor is from", async () => {
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
    it("shows a published post to everybody", async () => {
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

    it("answers for a draft of another what it answers for a post that is not there", async () => {
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

    it("does not tell by a 304 that a draft is there", async () => {
      const { nobody, author } = await open();
      const draft = await (await author()).write();
      expect(problemOf(await nobody.get(pathOf(draft), { "If-None-Match": "*" }))).toBe("404 post_not_found");
    });

    it.each([
      ["the tag", '"1"'],
      ["the tag as a weak one", 'W/"1"'],
      ["a list with the tag", '"0","1"'],
      ["any tag", "*"],
    ])("answers 304 with nothing but headers to If-None-Match with %s", async (_, header) => {
      const { nobody, author } = await open();
      const post = await (await author()).write({ status: "published" });
      const reply = await nobody.get(pathOf(post), { "If-None-Match": header });
      expect(reply.status).toBe(304);
      expect(reply.headers.get("ETag")).toBe('"1"');
    });

    it.each([
      ["another tag", '"2"'],
      ["what is no tag", "1"],
      ["nothing", ""],
    ])("answers with the post to If-None-Match with %s", async (_, header) => {
      const { nobody, author } = await open();
      const post = await (await author()).write({ status: "published" });
      const reply = await nobody.get(pathOf(post), { "If-None-Match": header });
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual(post);
    });

    it.each(["00000000-0000-7000-8000-000000000000", "1", "%00"])("finds nothing at %s", async (id) => {
      const { nobody } = await open();
      expect(problemOf(await nobody.get(`/v1/posts/${id}`))).toBe("404 post_not_found");
    });
  });

  describe("PATCH /v1/posts/:id", () => {
    it("changes what is given, keeps the rest, and answers with the post as it is now", async () => {
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

    it("leaves the version as it is when nothing changes", async () => {
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

    it("takes the content from a draft, and not from a published post", async () => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      const published = await owner.write({ status: "published" });
      expect((await owner.patch(pathOf(draft), { content: "" })).body).toMatchObject({ content: "" });
      const reply = await owner.patch(pathOf(published), { content: "\t" });
      expect(problemOf(reply)).toBe("422 content_required");
      expect(fieldCodes(reply)).toEqual(["/content: content_required"]);
      expect((await owner.get(pathOf(published))).body).toEqual(published);
    });

    it("takes a merge patch under its own media type", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const headers = { "Content-Type": "application/merge-patch+json; charset=UTF-8" };
      expect((await owner.patch(pathOf(post), { title: "Another" }, headers)).body).toMatchObject({ title: "Another" });
    });

    it.each([
      ["null, which a merge patch removes a field with", { title: null }, "/title: wrong_type"],
      ["a blank title", { title: " " }, "/title: blank"],
      ["a title with U+0000", { title: "\0" }, "/title: nul_character"],
      ["a title with a lone surrogate", { title: "\ud800" }, "/title: lone_surrogate"],
      ["content with U+0000", { content: "\0" }, "/content: nul_character"],
      ["content with a lone surrogate", { content: "\udfff" }, "/content: lone_surrogate"],
      ["a status, which publishing changes", { status: "published" }, "/status: unknown_field"],
      ["an author", { authorId: "00000000-0000-7000-8000-000000000000" }, "/authorId: unknown_field"],
      ["a version", { version: 2 }, "/version: unknown_field"],
    ])("refuses %s", async (_, patch, expected) => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const reply = await owner.patch(pathOf(post), patch);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });

  describe("DELETE /v1/posts/:id", () => {
    it("removes the post", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      expect((await owner.delete(pathOf(post))).status).toBe(204);
      expect(problemOf(await owner.get(pathOf(post)))).toBe("404 post_not_found");
      expect(problemOf(await owner.delete(pathOf(post)))).toBe("404 post_not_found");
    });
  });

  describe("POST /v1/posts/:id/publish and /unpublish", () => {
    it("makes a draft public, from now on", async () => {
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

    it("takes a post back from the public", async () => {
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

    it("gives a post that is published again a new time of publication", async () => {
      const { author, clock } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      await owner.post(`${pathOf(post)}/unpublish`);
      clock.set(LATER);
      const reply = await owner.post(`${pathOf(post)}/publish`);
      expect(reply.body).toMatchObject({ publishedAt: LATER.toISOString(), version: 3 });
    });

    it("refuses to publish what is published, to unpublish a draft, and to publish without content", async () => {
      const { author } = await open();
      const owner = await author();
      const published = await owner.write({ status: "published" });
      const draft = await owner.write({ content: " " });
      expect(problemOf(await owner.post(`${pathOf(published)}/publish`))).toBe("409 post_already_published");
      expect(problemOf(await owner.post(`${pathOf(draft)}/unpublish`))).toBe("409 post_not_published");
      const empty = await owner.post(`${pathOf(draft)}/publish`);
      expect(problemOf(empty)).toBe("422 content_required");
      expect(fieldCodes(empty)).toEqual(["/content: content_required"]);
      expect((await owner.get(pathOf(draft))).body).toEqual(draft);
      expect((await owner.get(pathOf(published))).body).toEqual(published);
    });

    it("takes an object without fields for no body, whatever its content type", async () => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      expect((await owner.post(`${pathOf(draft)}/publish`, {})).status).toBe(200);
      expect((await owner.call("POST", `${pathOf(draft)}/unpublish`, { raw: " { } \n" })).status).toBe(200);
    });

    it.each([
      ["fields", '{"publishedAt":"2026-01-01T00:00:00Z"}'],
      ["a list", "[]"],
      ["null", "null"],
      ["what is no JSON", "publish!"],
    ])("refuses a body with %s, and publishes nothing", async (_, raw) => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      const reply = await owner.call("POST", `${pathOf(draft)}/publish`, {
        raw,
        headers: { "Content-Type": "application/json" },
      });
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([": unknown_field"]);
      expect((await owner.get(pathOf(draft))).body).toEqual(draft);
    });

    it("refuses a body that is too large", async () => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      const reply = await owner.call("POST", `${pathOf(draft)}/publish`, { raw: " ".repeat(65_537) });
      expect(problemOf(reply)).toBe("413 body_too_large");
    });
  });

  describe("If-Match on /v1/posts/:id", () => {
    const CHANGES = [
      ["PATCH", "", { title: "Another" }, 200],
      ["DELETE", "", undefined, 204],
      ["POST", "/publish", undefined, 200],
    ] as const;

    const MATCHING = [
      ["the tag", '"2"'],
      ["a list with the tag", '"1" , "2"'],
      ["any tag", "*"],
    ] as const;

    const NOT_MATCHING = [
      ["the tag from before a change", '"1"'],
      ["a tag that is to come", '"3"'],
      ["the tag as a weak one, which never matches", 'W/"2"'],
      ["no tag", ""],
      ["what is no tag", "2"],
      ["garbage", '"2'],
    ] as const;

    const each = <T>(headers: readonly T[]) =>
      CHANGES.flatMap((change) => headers.map((header) => ({ change, header })));

    it.each(each(MATCHING))("lets $change.0 $change.1 pass with $header.0", async ({ change, header: [, tag] }) => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      await owner.patch(pathOf(draft), { content: "changed" });
      const [method, suffix, json, status] = change;
      const reply = await owner.call(method, `${pathOf(draft)}${suffix}`, {
        ...callOf(json),
        headers: { "If-Match": tag },
      });
      expect(reply.status).toBe(status);
    });

    it.each(each(NOT_MATCHING))("refuses $change.0 $change.1 with $header.0", async ({ change, header: [, tag] }) => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      const changed = await owner.patch(pathOf(draft), { content: "changed" });
      const [method, suffix, json] = change;
      const reply = await owner.call(method, `${pathOf(draft)}${suffix}`, {
        ...callOf(json),
        headers: { "If-Match": tag },
      });
      expect(problemOf(reply)).toBe("412 precondition_failed");
      expect((await owner.get(pathOf(draft))).body).toEqual(changed.body);
    });

    it("refuses POST /unpublish with a stale tag", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      await owner.patch(pathOf(post), { content: "changed" });
      const reply = await owner.post(`${pathOf(post)}/unpublish`, undefined, { "If-Match": '"1"' });
      expect(problemOf(reply)).toBe("412 precondition_failed");
    });

    it("tells those who may not change a post nothing of its version", async () => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const [published, draft] = [await owner.write({ status: "published" }), await owner.write()];
      const stale = { "If-Match": '"9"' };
      expect(problemOf(await other.patch(pathOf(published), { title: "E" }, stale))).toBe("403 forbidden");
      expect(problemOf(await other.delete(pathOf(draft), stale))).toBe("404 post_not_found");
    });

    it("lets one of two changes from the same version pass that come at once", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const replies = await Promise.all(
        ["A", "B"].map(async (title) => owner.patch(pathOf(post), { title }, { "If-Match": '"1"' })),
      );
      expect(replies.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    });

    it("lets both of two changes pass that come at once without a condition", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const patches = [{ title: "Another" }, { content: "changed" }];
      const replies = await Promise.all(patches.map(async (patch) => owner.patch(pathOf(post), patch)));
      expect(replies.map(({ status }) => status)).toEqual([200, 200]);
      expect((await owner.get(pathOf(post))).body).toMatchObject({ title: "Another", content: "changed", version: 3 });
    });
  });

  describe("who may change a post", () => {
    const CHANGES = [
      ["PATCH", "", { title: "Another" }],
      ["DELETE", "", undefined],
      ["POST", "/publish", undefined],
      ["POST", "/unpublish", undefined],
    ] as const;

    it.each(CHANGES)("hides another's draft from %s %s by other authors", async (method, suffix, json) => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const draft = await owner.write();
      const reply = await other.call(method, `${pathOf(draft)}${suffix}`, callOf(json));
      expect(problemOf(reply)).toBe("404 post_not_found");
      expect((await owner.get(pathOf(draft))).body).toEqual(draft);
    });

    it.each(CHANGES)("forbids %s %s on another's published post to other authors", async (method, suffix, json) => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const post = await owner.write({ status: "published" });
      const reply = await other.call(method, `${pathOf(post)}${suffix}`, callOf(json));
      expect(problemOf(reply)).toBe("403 forbidden");
      expect((await owner.get(pathOf(post))).body).toEqual(post);
    });

    it.each(CHANGES)("tells nobody by %s %s whether a draft is there", async (method, suffix, json) => {
      const { author, nobody } = await open();
      const owner = await author();
      const draft = await owner.write();
      for (const path of [pathOf(draft), `/v1/posts/${nextId()}`]) {
        const reply = await nobody.call(method, `${path}${suffix}`, callOf(json));
        expect(problemOf(reply)).toBe("401 authentication_required");
      }
      expect((await owner.get(pathOf(draft))).body).toEqual(draft);
    });

    it.each(CHANGES)("finds nothing to %s %s at an id that no post has", async (method, suffix, json) => {
      const { author } = await open();
      const owner = await author();
      for (const id of [nextId(), "1"]) {
        const reply = await owner.call(method, `/v1/posts/${id}${suffix}`, callOf(json));
        expect(problemOf(reply)).toBe("404 post_not_found");
      }
    });

    it("lets admins change everybody's posts, whose author stays", async () => {
      const { author, admin } = await open();
      const owner = await author();
      const root = await admin();
      const draft = await owner.write();
      expect((await root.patch(pathOf(draft), { title: "Edited" })).body).toMatchObject({
        authorId: owner.id,
        version: 2,
      });
      expect((await root.post(`${pathOf(draft)}/publish`)).body).toMatchObject({ status: "published", version: 3 });
      expect((await root.post(`${pathOf(draft)}/unpublish`)).body).toMatchObject({ status: "draft", version: 4 });
      expect((await root.delete(pathOf(draft))).status).toBe(204);
    });
  });
}
