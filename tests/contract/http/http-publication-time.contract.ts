import { describe, expect, it } from "vitest";
import { LATER, NOW } from "../../support/fixtures.ts";
import { fieldCodes, toPage, problemOf, type OpenApi, type PostBody } from "../../support/api.ts";

const OLD = { title: "Old", content: "From elsewhere.", status: "published" };
const LONG_AGO = "2019-05-01T08:00:00.000Z";
const JUST_AFTER = new Date(NOW.getTime() + 1).toISOString();

/** Values of publishedAt that the API rejects. */
const INVALID_TIMES: readonly (readonly [string, unknown, string])[] = [
  ["a word", "yesterday", "malformed_time"],
  ["a date alone", "2019-05-01", "malformed_time"],
  ["a time without an offset", "2019-05-01T08:00:00", "malformed_time"],
  ["a date that does not exist", "2019-02-29T08:00:00Z", "malformed_time"],
  ["microseconds", "2019-05-01T08:00:00.123456Z", "malformed_time"],
  ["the year 0", "0000-05-01T08:00:00Z", "malformed_time"],
  ["the year 999", "0999-12-31T23:59:59.999Z", "malformed_time"],
  ["a number", 1_556_697_600_000, "wrong_type"],
  ["null, which is only for drafts", null, "wrong_type"],
];

export function httpPublicationTimeContract(open: OpenApi) {
  describe("publishedAt", () => {
    it.each([
      ["in UTC", "2019-05-01T08:00:00Z", LONG_AGO],
      ["with an offset", "2019-05-01T10:00:00.000+02:00", LONG_AGO],
      ["in the year 1000", "1000-01-01T00:00:00.001Z", "1000-01-01T00:00:00.001Z"],
      ["equal to the current time", NOW.toISOString(), NOW.toISOString()],
    ])("can be set by an admin in a new post: %s", async (_, given, kept) => {
      const { admin, nobody } = await open();
      const root = await admin();
      const reply = await root.post("/v1/posts", { ...OLD, publishedAt: given });
      expect(reply.status).toBe(201);
      expect(reply.body).toMatchObject({ status: "published", publishedAt: kept, createdAt: NOW.toISOString() });
      expect((await nobody.get(reply.headers.get("Location") ?? "")).body).toEqual(reply.body);
    });

    it("decides the position of an imported post in the list", async () => {
      const { admin, nobody } = await open();
      const root = await admin();
      const written: string[] = [];
      for (const publishedAt of ["2019-05-01T08:00:00Z", "2021-05-01T08:00:00Z", "2020-05-01T08:00:00Z"]) {
        written.push(((await root.post("/v1/posts", { ...OLD, publishedAt })).body as PostBody).id);
      }
      const [of2019, of2021, of2020] = written;
      const listed = async (query: string) => toPage(await nobody.get(`/v1/posts?${query}`)).items.map(({ id }) => id);
      expect(await listed("sort=-published")).toEqual([of2021, of2020, of2019]);
      expect(await listed("published-after=2020-01-01T00:00:00Z")).toEqual([of2021, of2020]);
    });

    it("can be changed by an admin in a published post, together with other fields", async () => {
      const { admin, author, clock } = await open();
      const [root, owner] = [await admin(), await author()];
      const post = await owner.write({ status: "published" });
      clock.set(LATER);
      const reply = await root.patch(`/v1/posts/${post.id}`, { title: "Old", publishedAt: LONG_AGO });
      expect(reply.body).toEqual({
        ...post,
        title: "Old",
        publishedAt: LONG_AGO,
        version: 2,
        updatedAt: LATER.toISOString(),
      });
      expect(reply.headers.get("ETag")).toBe('"2"');
      const same = await root.patch(`/v1/posts/${post.id}`, { publishedAt: LONG_AGO });
      expect(same.body).toEqual(reply.body);
    });

    it("becomes null when the post is unpublished", async () => {
      const { admin } = await open();
      const root = await admin();
      const post = await root.write({ status: "published", publishedAt: LONG_AGO });
      expect((await root.post(`/v1/posts/${post.id}/unpublish`)).body).toMatchObject({ publishedAt: null });
      const again = await root.post(`/v1/posts/${post.id}/publish`);
      expect(again.body).toMatchObject({ publishedAt: NOW.toISOString() });
    });

    it("cannot be in the future", async () => {
      const { admin } = await open();
      const root = await admin();
      const post = await root.write({ status: "published" });
      for (const reply of [
        await root.post("/v1/posts", { ...OLD, publishedAt: JUST_AFTER }),
        await root.patch(`/v1/posts/${post.id}`, { publishedAt: JUST_AFTER }),
      ]) {
        expect(problemOf(reply)).toBe("422 publication_in_future");
        expect(fieldCodes(reply)).toEqual(["/publishedAt: publication_in_future"]);
      }
      expect((await root.get(`/v1/posts/${post.id}`)).body).toEqual(post);
    });

    it("cannot be set by an author, and the response says that only admins can", async () => {
      const { author } = await open();
      const owner = await author();
      const post = await owner.write({ status: "published" });
      for (const reply of [
        await owner.post("/v1/posts", { ...OLD, publishedAt: LONG_AGO }),
        await owner.patch(`/v1/posts/${post.id}`, { publishedAt: LONG_AGO }),
      ]) {
        expect(problemOf(reply)).toBe("403 forbidden");
        expect(reply.body).toMatchObject({ detail: expect.stringContaining("Only admins") as string });
        expect(reply.body).toMatchObject({ detail: expect.stringContaining("set publishedAt") as string });
      }
      expect(toPage(await owner.get("/v1/posts")).items).toEqual([post]);
    });

    it("cannot be set in a draft", async () => {
      const { admin } = await open();
      const root = await admin();
      for (const status of ["draft", undefined]) {
        const reply = await root.post("/v1/posts", { ...OLD, status, publishedAt: LONG_AGO });
        expect(problemOf(reply)).toBe("422 validation_failed");
        expect(fieldCodes(reply)).toEqual(["/publishedAt: contradictory"]);
      }
      const draft = await root.write();
      const patched = await root.patch(`/v1/posts/${draft.id}`, { publishedAt: LONG_AGO });
      expect(problemOf(patched)).toBe("409 post_not_published");
    });

    it.each(INVALID_TIMES)("cannot be %s", async (_, publishedAt, code) => {
      const { admin } = await open();
      const root = await admin();
      const post = await root.write({ status: "published" });
      for (const reply of [
        await root.post("/v1/posts", { ...OLD, publishedAt }),
        await root.patch(`/v1/posts/${post.id}`, { publishedAt }),
      ]) {
        expect(problemOf(reply)).toBe("422 validation_failed");
        expect(fieldCodes(reply)).toEqual([`/publishedAt: ${code}`]);
      }
    });
  });
}
