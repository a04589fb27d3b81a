import { describe, expect, it } from "vitest";
import { fieldCodes, nextLink, toPage, problemOf, type OpenRemoteApi } from "../../support/api.ts";
import { titlesOn, withPosts } from "./listed-posts.ts";

/** The rules of the query of a list of posts that do not depend on the storage. They run on memory only. */
export function httpPostQueryRules(open: OpenRemoteApi) {
  describe("GET /v1/posts?published-after= and ?published-before=", () => {
    it("accept any offset, and fractions of a second to the millisecond", async () => {
      const api = await open();
      const { ada } = await withPosts(api);
      for (const time of ["2026-03-01T13:30:00%2B01:00", "2026-03-01T12:30:00.0Z", "2026-03-01T07:00:00.000-05:30"]) {
        expect(await titlesOn(ada, `/v1/posts?published-before=${time}`), time).toEqual(["b"]);
      }
    });

    it.each([
      "2026-03-01",
      "2026-03-01T12:00:00",
      "2026-03-01T12:00Z",
      "2026-02-29T12:00:00Z",
      "2026-03-01T24:00:00Z",
      "2026-03-01T12:00:00.1234Z",
      "2026-03-01T12:00:00+01:00",
      "0000-12-31T23:59:59Z",
      "0001-01-01T00:00:00%2B01:00",
      "9999-12-31T23:59:59-01:00",
      "yesterday",
      "",
    ])("reject %s", async (time) => {
      const { nobody } = await open();
      const reply = await nobody.get(`/v1/posts?published-after=${time}&published-before=${time}`);
      expect(fieldCodes(reply)).toEqual(["/published-after: malformed_time", "/published-before: malformed_time"]);
    });
  });

  describe("GET /v1/posts?sort=", () => {
    it("rejects an unknown sort and names the valid ones", async () => {
      const { nobody } = await open();
      const reply = await nobody.get("/v1/posts?sort=author");
      expect(fieldCodes(reply)).toEqual(["/sort: not_allowed"]);
      expect(reply.text).toContain("created, -created, updated, -updated, published, -published, title, -title");
    });

    it.each([
      ["published-after=2026-03-01T12:00:00Z&sort=title", "/sort: contradictory"],
      ["published-before=2026-03-01T12:00:00Z&sort=-created", "/sort: contradictory"],
      ["status=draft&published-before=2026-03-01T12:00:00Z", "/status: contradictory"],
      ["status=draft&sort=-published", "/status: contradictory"],
    ])("rejects the contradictory parameters %s", async (query, expected) => {
      const { nobody } = await open();
      expect(fieldCodes(await nobody.get(`/v1/posts?${query}`))).toEqual([expected]);
    });
  });

  describe("a cursor of a list of posts", () => {
    const LISTS = ["", "sort=title", "sort=-title", "sort=-updated", "status=published", "sort=-published"];

    it("is accepted only with the filters and the sort of its list", async () => {
      const api = await open();
      const { ada } = await withPosts(api);
      const lists = [...LISTS, `author=${ada.id}`, "published-after=2026-03-01T00:00:00Z"];
      for (const from of lists) {
        const { nextCursor } = toPage(await ada.get(`/v1/posts?limit=1&${from}`));
        expect(nextCursor).not.toBeNull();
        for (const to of lists) {
          const reply = await ada.get(`/v1/posts?cursor=${nextCursor}&${to}`);
          if (from === to) expect(reply.status).toBe(200);
          else expect(fieldCodes(reply), `${from} on ${to}`).toEqual(["/cursor: malformed_cursor"]);
        }
      }
    });

    it("is accepted with another spelling of the same filters", async () => {
      const api = await open();
      const { ada } = await withPosts(api);
      const { nextCursor } = toPage(await ada.get(`/v1/posts?limit=1&author=${ada.id}`));
      const same = `author=${ada.id.toUpperCase()}&sort=-created&fields=title&include=author&count=true&limit=5`;
      expect(await titlesOn(ada, `/v1/posts?cursor=${nextCursor}&${same}`)).toEqual(["c", "b"]);
    });
  });

  describe("GET /v1/posts?fields=", () => {
    it("returns the requested fields and the id", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const { id, title, authorId } = await owner.write({ status: "published" });
      expect(toPage(await nobody.get("/v1/posts?fields=title")).items).toEqual([{ id, title }]);
      expect(toPage(await nobody.get(`${owner.path}/posts?fields=authorId,title`)).items).toEqual([
        { id, title, authorId },
      ]);
      expect(toPage(await nobody.get("/v1/posts?fields=id&include=author")).items).toEqual([
        { id, author: { id: authorId, name: owner.user.name } },
      ]);
    });

    it("accepts several names, separated by commas or in repeated parameters", async () => {
      const { author, nobody } = await open();
      const { id, title } = await (await author()).write({ status: "published" });
      for (const query of ["fields=title,status", "fields=title&fields=status"]) {
        expect(toPage(await nobody.get(`/v1/posts?${query}`)).items).toEqual([{ id, title, status: "published" }]);
      }
      expect(fieldCodes(await nobody.get("/v1/posts?fields=title&fields=nothing"))).toEqual(["/fields: not_allowed"]);
    });

    it.each(["fields=title,version", "fields=title&fields=version"])("is kept in the next link: %s", async (fields) => {
      const { author, nobody } = await open();
      const owner = await author();
      const { id, title, version } = await owner.write({ status: "published" });
      await owner.write({ status: "published" });
      const page = await nobody.get(`/v1/posts?${fields}&limit=1`);
      expect(toPage(await nobody.get(nextLink(page) ?? "")).items).toEqual([{ id, title, version }]);
    });

    it.each(["body", "title,", "", "title,,id", "Title", "author", "title, id", "__proto__"])(
      "rejects '%s' and names the valid fields",
      async (fields) => {
        const { nobody } = await open();
        const reply = await nobody.get(`/v1/posts?fields=${fields}`);
        expect(problemOf(reply)).toBe("422 validation_failed");
        expect(fieldCodes(reply)).toEqual(["/fields: not_allowed"]);
        expect(reply.text).toContain(
          "id, title, content, status, authorId, publishedAt, version, createdAt, updatedAt",
        );
      },
    );
  });

  describe("GET /v1/posts?count=", () => {
    it("returns no total without count=true", async () => {
      const { nobody } = await open();
      expect((await nobody.get("/v1/posts?count=false")).body).toEqual((await nobody.get("/v1/posts")).body);
      expect((await nobody.get("/v1/posts")).body).not.toHaveProperty("total");
      expect(fieldCodes(await nobody.get("/v1/posts?count=yes"))).toEqual(["/count: not_allowed"]);
    });

    it("includes the total in the ETag of a page", async () => {
      const { author } = await open();
      const owner = await author();
      const [first] = [await owner.write(), await owner.write(), await owner.write()];
      const path = "/v1/posts?limit=1&count=true";
      const tag = (await owner.get(path)).headers.get("ETag") ?? "";
      expect((await owner.get(path, { "If-None-Match": tag })).status).toBe(304);
      await owner.delete(`/v1/posts/${first.id}`);
      expect((await owner.get(path, { "If-None-Match": tag })).body).toMatchObject({ total: 2 });
    });
  });

  it.each(["author", "status", "published-after", "sort", "count"])(
    "rejects %s when it is repeated or sent to a route without it",
    async (name) => {
      const { nobody, author } = await open();
      const { path } = await author();
      const twice = await nobody.get(`/v1/posts?${name}=a&${name}=b`);
      expect(fieldCodes(twice)).toEqual([`/${name}: repeated`]);
      expect(twice.text).toContain("This parameter appears more than once. Send it once.");
      expect(fieldCodes(await nobody.get(`/v1/users?${name}=a`))).toEqual([`/${name}: unknown_field`]);
      if (name !== "author") return;
      expect(fieldCodes(await nobody.get(`${path}/posts?author=a`))).toEqual(["/author: unknown_field"]);
    },
  );
}
