import { describe, expect, it } from "vitest";
import { nextId } from "../../../src/testing/fixtures.ts";
import { fieldCodes, nextLink, toPage, problemOf, type OpenRemoteApi, type PostBody } from "../../support/api.ts";

const MIB = 1_048_576;

const pathOf = ({ id }: PostBody) => `/v1/posts/${id}`;

const callOf = (json: object | undefined) => (json === undefined ? {} : { json });

/** The rules of posts that do not depend on the storage: fields, rights, ETag syntax. They run on memory only. */
export function httpPostRules(open: OpenRemoteApi) {
  describe("POST /v1/posts", () => {
    it("accepts empty content in a draft and not in a published post", async () => {
      const { author } = await open();
      const owner = await author();
      expect((await owner.write({ content: "" })).content).toBe("");
      const reply = await owner.post("/v1/posts", { title: "T", content: " \n", status: "published" });
      expect(problemOf(reply)).toBe("422 content_required");
      expect(fieldCodes(reply)).toEqual(["/content: content_required"]);
    });

    it.each([
      ["no title", { title: undefined }, "/title: required"],
      ["null as the title", { title: null }, "/title: wrong_type"],
      ["an empty title", { title: "" }, "/title: too_short"],
      ["a title of white space", { title: " \u2003" }, "/title: blank"],
      ["a title of 301 characters", { title: "é".repeat(301) }, "/title: too_long"],
      ["a title with U+0000", { title: "T\0" }, "/title: nul_character"],
      ["a title with a lone surrogate", { title: "T\ud800" }, "/title: lone_surrogate"],
      ["a title of invisible characters", { title: "\u200b\u3164" }, "/title: blank"],
      ["a title with a line feed", { title: "a\nb" }, "/title: control_character"],
      ["a title with a bell", { title: "a\u0007b" }, "/title: control_character"],
      ["a title with a bidirectional override", { title: "\u202egnp.exe" }, "/title: bidirectional_control"],
      ["content with a bell", { content: "a\u0007b" }, "/content: control_character"],
      ["content with DEL", { content: "a\u007fb" }, "/content: control_character"],
      ["content with the CSI of C1", { content: "a\u009bb" }, "/content: control_character"],
      ["no content", { content: undefined }, "/content: required"],
      ["an array as the content", { content: ["C"] }, "/content: wrong_type"],
      ["content of more than 1 MiB", { content: `${"é".repeat(MIB / 2)}x` }, "/content: too_many_bytes"],
      ["content with U+0000", { content: "C\0" }, "/content: nul_character"],
      ["content with a lone surrogate", { content: "\udc00C" }, "/content: lone_surrogate"],
      ["an unknown status", { status: "archived" }, "/status: not_allowed"],
      ["null as the status", { status: null }, "/status: not_allowed"],
      ["an author", { authorId: "00000000-0000-7000-8000-000000000000" }, "/authorId: unknown_field"],
      ["an unknown field", { tags: [] }, "/tags: unknown_field"],
    ])("rejects %s", async (_, fields, expected) => {
      const { author } = await open();
      const owner = await author();
      const reply = await owner.post("/v1/posts", { title: "T", content: "C", ...fields });
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });

    it("accepts a title of 300 characters", async () => {
      const { author } = await open();
      const owner = await author();
      const title = "🦜".repeat(300);
      expect((await owner.write({ title })).title).toBe(title);
    });

    it("reports every wrong field in one response", async () => {
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

    it("reports at most 100 wrong fields", async () => {
      const { author } = await open();
      const owner = await author();
      const unknown = Object.fromEntries(Array.from({ length: 400 }, (_, n) => [`field${n}`, 0]));
      const codes = fieldCodes(await owner.post("/v1/posts", { content: "C", ...unknown }));
      expect(codes).toHaveLength(100);
      expect(codes).toEqual(expect.arrayContaining(["/title: required", "/field98: unknown_field"]));
    });
  });

  describe("GET /v1/posts", () => {
    it("keeps the limit in the next link", async () => {
      const { nobody, author } = await open();
      const owner = await author();
      for (let i = 0; i < 2; i++) await owner.write({ status: "published" });
      const page = await nobody.get("/v1/posts?limit=1");
      expect(nextLink(page)).toBe(`/v1/posts?limit=1&cursor=${toPage(page).nextCursor}`);
    });

    it("rejects an unknown value of include", async () => {
      const { nobody } = await open();
      const reply = await nobody.get("/v1/posts?include=comments");
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual(["/include: not_allowed"]);
    });
  });

  describe("GET /v1/posts/:id", () => {
    it("does not disclose a draft with a 304", async () => {
      const { nobody, author } = await open();
      const draft = await (await author()).write();
      expect(problemOf(await nobody.get(pathOf(draft), { "If-None-Match": "*" }))).toBe("404 post_not_found");
    });

    it.each([
      ["the current ETag", '"1"'],
      ["the current ETag as a weak one", 'W/"1"'],
      ["a list with the current ETag", '"0","1"'],
      ["an asterisk", "*"],
    ])("answers 304 without a body to If-None-Match with %s", async (_, header) => {
      const { nobody, author } = await open();
      const post = await (await author()).write({ status: "published" });
      const reply = await nobody.get(pathOf(post), { "If-None-Match": header });
      expect(reply.status).toBe(304);
      expect(reply.headers.get("ETag")).toBe('"1"');
    });

    it.each([
      ["another ETag", '"2"'],
      ["a number without quotes", "1"],
      ["an empty value", ""],
    ])("returns the post to If-None-Match with %s", async (_, header) => {
      const { nobody, author } = await open();
      const post = await (await author()).write({ status: "published" });
      const reply = await nobody.get(pathOf(post), { "If-None-Match": header });
      expect(reply.status).toBe(200);
      expect(reply.body).toEqual(post);
    });

    it.each(["00000000-0000-7000-8000-000000000000", "1", "%00"])("answers 404 at %s", async (id) => {
      const { nobody } = await open();
      expect(problemOf(await nobody.get(`/v1/posts/${id}`))).toBe("404 post_not_found");
    });
  });

  describe("PATCH /v1/posts/:id", () => {
    it("removes the content of a draft and not of a published post", async () => {
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

    it("accepts the media type application/merge-patch+json", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const headers = { "Content-Type": "application/merge-patch+json; charset=UTF-8" };
      expect((await owner.patch(pathOf(post), { title: "Another" }, headers)).body).toMatchObject({ title: "Another" });
    });

    it.each([
      ["null, which removes a field in a merge patch", { title: null }, "/title: wrong_type"],
      ["a blank title", { title: " " }, "/title: blank"],
      ["a title with U+0000", { title: "\0" }, "/title: nul_character"],
      ["a title with a lone surrogate", { title: "\ud800" }, "/title: lone_surrogate"],
      ["content with U+0000", { content: "\0" }, "/content: nul_character"],
      ["content with a lone surrogate", { content: "\udfff" }, "/content: lone_surrogate"],
      ["a status, which only /publish and /unpublish change", { status: "published" }, "/status: unknown_field"],
      ["an author", { authorId: "00000000-0000-7000-8000-000000000000" }, "/authorId: unknown_field"],
      ["a version", { version: 2 }, "/version: unknown_field"],
    ])("rejects %s", async (_, patch, expected) => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write();
      const reply = await owner.patch(pathOf(post), patch);
      expect(problemOf(reply)).toBe("422 validation_failed");
      expect(fieldCodes(reply)).toEqual([expected]);
    });
  });

  describe("POST /v1/posts/:id/publish and /unpublish", () => {
    it("rejects publishing a published post, unpublishing a draft, and publishing without content", async () => {
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

    it("treats an empty object as no body, whatever its Content-Type", async () => {
      const { author } = await open();
      const owner = await author();
      const draft = await owner.write();
      expect((await owner.post(`${pathOf(draft)}/publish`, {})).status).toBe(200);
      expect((await owner.call("POST", `${pathOf(draft)}/unpublish`, { raw: " { } \n" })).status).toBe(200);
    });

    it.each([
      ["fields", '{"publishedAt":"2026-01-01T00:00:00Z"}'],
      ["an array", "[]"],
      ["null", "null"],
      ["malformed JSON", "publish!"],
    ])("rejects a body with %s, and publishes nothing", async (_, raw) => {
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

    it("rejects a body of 65,537 bytes with 413", async () => {
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
      ["the current ETag", '"2"'],
      ["a list with the current ETag", '"1" , "2"'],
      ["an asterisk", "*"],
    ] as const;

    const NOT_MATCHING = [
      ["a stale ETag", '"1"'],
      ["the ETag of a future version", '"3"'],
      ["the current ETag as a weak one, which never matches", 'W/"2"'],
      ["an empty value", ""],
      ["a number without quotes", "2"],
      ["an unterminated ETag", '"2'],
    ] as const;

    const each = <T>(headers: readonly T[]) =>
      CHANGES.flatMap((change) => headers.map((header) => ({ change, header })));

    it.each(each(MATCHING))("accepts $change.0 $change.1 with $header.0", async ({ change, header: [, tag] }) => {
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

    it.each(each(NOT_MATCHING))("rejects $change.0 $change.1 with $header.0", async ({ change, header: [, tag] }) => {
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

    it("rejects POST /unpublish with a stale ETag", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      await owner.patch(pathOf(post), { content: "changed" });
      const reply = await owner.post(`${pathOf(post)}/unpublish`, undefined, { "If-Match": '"1"' });
      expect(problemOf(reply)).toBe("412 precondition_failed");
    });

    it("does not disclose the version to a client without the right to change the post", async () => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const [published, draft] = [await owner.write({ status: "published" }), await owner.write()];
      const stale = { "If-Match": '"9"' };
      expect(problemOf(await other.patch(pathOf(published), { title: "E" }, stale))).toBe("403 forbidden");
      expect(problemOf(await other.delete(pathOf(draft), stale))).toBe("404 post_not_found");
    });
  });

  describe("the right to change a post", () => {
    const CHANGES = [
      ["PATCH", "", { title: "Another" }],
      ["DELETE", "", undefined],
      ["POST", "/publish", undefined],
      ["POST", "/unpublish", undefined],
    ] as const;

    it.each(CHANGES)("answers 404 to %s %s of another author's draft", async (method, suffix, json) => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const draft = await owner.write();
      const reply = await other.call(method, `${pathOf(draft)}${suffix}`, callOf(json));
      expect(problemOf(reply)).toBe("404 post_not_found");
      expect((await owner.get(pathOf(draft))).body).toEqual(draft);
    });

    it.each(CHANGES)("answers 403 to %s %s of another author's published post", async (method, suffix, json) => {
      const { author } = await open();
      const owner = await author();
      const other = await author();
      const post = await owner.write({ status: "published" });
      const reply = await other.call(method, `${pathOf(post)}${suffix}`, callOf(json));
      expect(problemOf(reply)).toBe("403 forbidden");
      expect((await owner.get(pathOf(post))).body).toEqual(post);
    });

    it.each(CHANGES)(
      "answers 401 to %s %s by a guest whether or not the draft exists",
      async (method, suffix, json) => {
        const { author, nobody } = await open();
        const owner = await author();
        const draft = await owner.write();
        for (const path of [pathOf(draft), `/v1/posts/${nextId()}`]) {
          const reply = await nobody.call(method, `${path}${suffix}`, callOf(json));
          expect(problemOf(reply)).toBe("401 authentication_required");
        }
        expect((await owner.get(pathOf(draft))).body).toEqual(draft);
      },
    );

    it.each(CHANGES)("answers 404 to %s %s with an unknown id", async (method, suffix, json) => {
      const { author } = await open();
      const owner = await author();
      for (const id of [nextId(), "1"]) {
        const reply = await owner.call(method, `/v1/posts/${id}${suffix}`, callOf(json));
        expect(problemOf(reply)).toBe("404 post_not_found");
      }
    });

    it("lets admins change the posts of any author, who remains their author", async () => {
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
