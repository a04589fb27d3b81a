import { describe, expect, it } from "vitest";
import { NOW } from "../../../src/testing/fixtures.ts";
import { fieldCodes, toPage, problemOf, type OpenRemoteApi } from "../../support/api.ts";

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

/** The rules of publishedAt that do not depend on the storage. They run on memory only. */
export function httpPublicationTimeRules(open: OpenRemoteApi) {
  describe("publishedAt", () => {
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
      const draft = await owner.write();
      for (const reply of [
        await owner.post("/v1/posts", { ...OLD, publishedAt: LONG_AGO }),
        await owner.patch(`/v1/posts/${post.id}`, { publishedAt: LONG_AGO }),
        await owner.patch(`/v1/posts/${post.id}`, { publishedAt: JUST_AFTER }),
        await owner.patch(`/v1/posts/${draft.id}`, { publishedAt: LONG_AGO }),
      ]) {
        expect(problemOf(reply)).toBe("403 forbidden");
        expect(reply.body).toMatchObject({ detail: expect.stringContaining("Only admins") as string });
        expect(reply.body).toMatchObject({ detail: expect.stringContaining("set publishedAt") as string });
      }
      expect(toPage(await owner.get("/v1/posts")).items).toEqual([draft, post]);
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
