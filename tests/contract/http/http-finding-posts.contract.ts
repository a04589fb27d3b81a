import { describe, expect, it } from "vitest";
import { LATER, NOW } from "../../../src/testing/fixtures.ts";
import { nextLink, toPage, previousLink, type Client, type OpenRemoteApi, type PostBody } from "../../support/api.ts";
import { titlesOn, withPosts } from "./listed-posts.ts";

export function httpFindingPostsContract(open: OpenRemoteApi) {
  describe("GET /v1/posts?author=", () => {
    it("shows the posts of one author that the client may see", async () => {
      const api = await open();
      const { ada, grace } = await withPosts(api);
      const path = `/v1/posts?author=${ada.id}`;
      expect(await titlesOn(ada, path)).toEqual(["\u{1F99C}", "c", "b"]);
      expect(await titlesOn(grace, path)).toEqual(["\u{1F99C}", "b"]);
      expect(await titlesOn(api.nobody, path.replace(ada.id, ada.id.toUpperCase()))).toEqual(["\u{1F99C}", "b"]);
      expect(await titlesOn(await api.admin(), path)).toEqual(["\u{1F99C}", "c", "b"]);
    });

    it("returns an empty list for an unknown author", async () => {
      const { nobody } = await open();
      expect(await titlesOn(nobody, "/v1/posts?author=00000000-0000-7000-8000-000000000000")).toEqual([]);
    });
  });

  describe("GET /v1/posts?status=", () => {
    it("shows only drafts or only published posts that the client may see", async () => {
      const api = await open();
      const { ada, grace } = await withPosts(api);
      const published = ["\uFF21", "\u{1F99C}", "a", "b"];
      expect(await titlesOn(ada, "/v1/posts?status=draft")).toEqual(["c"]);
      expect(await titlesOn(ada, `/v1/posts?status=draft&author=${grace.id}`)).toEqual([]);
      expect(await titlesOn(ada, `${ada.path}/posts?status=draft`)).toEqual(["c"]);
      expect(await titlesOn(await api.admin(), "/v1/posts?status=draft")).toEqual(["d", "c"]);
      expect(await titlesOn(api.nobody, "/v1/posts?status=draft")).toEqual([]);
      expect(await titlesOn(ada, "/v1/posts?status=published")).toEqual(published);
      expect(await titlesOn(api.nobody, "/v1/posts?status=published")).toEqual(published);
    });
  });

  describe("GET /v1/posts?published-after= and ?published-before=", () => {
    it("select the posts between the exclusive bounds, last published first", async () => {
      const api = await open();
      const { ada } = await withPosts(api);
      const after = `published-after=${NOW.toISOString()}`;
      const before = `published-before=${LATER.toISOString()}`;
      expect(await titlesOn(ada, `/v1/posts?${after}`)).toEqual(["\uFF21", "\u{1F99C}", "a"]);
      expect(await titlesOn(ada, `/v1/posts?${before}`)).toEqual(["a", "b"]);
      expect(await titlesOn(ada, `/v1/posts?${after}&${before}`)).toEqual(["a"]);
      expect(await titlesOn(ada, `/v1/posts?${after}&sort=published&limit=1`)).toEqual(["a"]);
      expect(await titlesOn(ada, `${ada.path}/posts?${before}&status=published`)).toEqual(["b"]);
    });

    it("accepts sort=relevance in a search, whose matches have no other order", async () => {
      const { nobody } = await open();
      const query = "q=engine&sort=relevance&published-after=2026-01-01T00:00:00Z";
      expect(await titlesOn(nobody, `/v1/posts?${query}`)).toEqual([]);
    });

    it("accept the earliest and the latest possible time", async () => {
      const { nobody } = await open();
      const query = "published-after=0001-01-01T00:00:00Z&published-before=9999-12-31T23:59:59.999Z";
      expect(await titlesOn(nobody, `/v1/posts?${query}`)).toEqual([]);
    });
  });

  describe("GET /v1/posts?sort=", () => {
    it.each([
      ["-created", ["\uFF21", "\u{1F99C}", "d", "a", "c", "b"]],
      ["created", ["b", "c", "a", "d", "\u{1F99C}", "\uFF21"]],
      ["-updated", ["\uFF21", "\u{1F99C}", "b", "d", "a", "c"]],
      ["updated", ["c", "a", "d", "b", "\u{1F99C}", "\uFF21"]],
      ["-published", ["\uFF21", "\u{1F99C}", "a", "b"]],
      ["published", ["b", "a", "\u{1F99C}", "\uFF21"]],
      ["title", ["a", "\uFF21", "b", "c", "d", "\u{1F99C}"]],
      ["-title", ["\u{1F99C}", "d", "c", "b", "\uFF21", "a"]],
    ])("%s orders the posts, on one page and in pages forward and backward", async (sort, titles) => {
      const api = await open();
      await withPosts(api);
      const root = await api.admin();
      expect(await titlesOn(root, `/v1/posts?sort=${sort}`)).toEqual(titles);
      const seen: string[] = [];
      let page = await root.get(`/v1/posts?sort=${sort}&limit=2`);
      const titlesOf = () => toPage(page).items.map((item) => (item as PostBody).title);
      for (;;) {
        seen.push(...titlesOf());
        const next = nextLink(page);
        if (next === null) break;
        page = await root.get(next);
      }
      expect(seen).toEqual(titles);
      const back = titlesOf();
      for (let path = previousLink(page); path !== null; path = previousLink(page)) {
        page = await root.get(path);
        back.unshift(...titlesOf());
      }
      expect(back).toEqual(titles);
    });

    it("title ignores case and accents and compares numbers by value, and -title is the reverse", async () => {
      const { author, nobody } = await open();
      const ada = await author();
      for (const title of ["Banana", "Post 10", "Post 9", "Zebra", "apple", "zoo", "Äpfel", "Öl", "éclair"]) {
        await ada.write({ title, status: "published" });
      }
      const expected = ["Äpfel", "apple", "Banana", "éclair", "Öl", "Post 9", "Post 10", "Zebra", "zoo"];
      expect(await titlesOn(nobody, `/v1/posts?author=${ada.id}&sort=title`)).toEqual(expected);
      expect(await titlesOn(nobody, `/v1/posts?author=${ada.id}&sort=-title`)).toEqual(expected.toReversed());
    });

    it("moves only the edited post to its new position", async () => {
      const api = await open();
      const { ada } = await withPosts(api);
      const page = await ada.get("/v1/posts?sort=updated&limit=1");
      const next = nextLink(page) ?? "";
      const [first] = toPage(page).items;
      api.clock.advance(1);
      await ada.patch(`/v1/posts/${first?.id}`, { content: "Edited" });
      expect(await titlesOn(ada, next.replace("limit=1", "limit=9"))).toEqual(["a", "b", "\u{1F99C}", "\uFF21", "c"]);
    });
  });

  describe("GET /v1/posts?count=", () => {
    it("returns the number of matching posts that the client may see, on every page", async () => {
      const api = await open();
      const { ada, grace } = await withPosts(api);
      const root = await api.admin();
      const total = async (viewer: Pick<Client, "get">, query: string, path = "/v1/posts") =>
        ((await viewer.get(`${path}?count=true&limit=1&${query}`)).body as { total: number }).total;
      expect(await total(api.nobody, "")).toBe(4);
      expect(await total(ada, "")).toBe(5);
      expect(await total(root, "")).toBe(6);
      expect(await total(root, "status=draft")).toBe(2);
      expect(await total(root, "sort=published")).toBe(4);
      expect(await total(api.nobody, "status=draft")).toBe(0);
      expect(await total(ada, `author=${grace.id}`)).toBe(2);
      expect(await total(ada, "", `${grace.path}/posts`)).toBe(2);
      expect(await total(grace, "", `${grace.path}/posts`)).toBe(3);
      expect(await total(ada, `published-after=${NOW.toISOString()}`)).toBe(3);
      expect(await total(ada, `author=${ada.id}&published-before=${LATER.toISOString()}`)).toBe(1);
      const page = await ada.get("/v1/posts?count=true&limit=2");
      expect((await ada.get(nextLink(page) ?? "")).body).toMatchObject({ total: 5 });
    });
  });
}
