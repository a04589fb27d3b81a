import { describe, expect, it } from "vitest";
import { LATER, NOW } from "../../../src/testing/fixtures.ts";
import { toPage, type OpenRemoteApi, type PostBody } from "../../support/api.ts";

const OLD = { title: "Old", content: "From elsewhere.", status: "published" };
const LONG_AGO = "2019-05-01T08:00:00.000Z";

export function httpPublicationTimeContract(open: OpenRemoteApi) {
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
  });
}
