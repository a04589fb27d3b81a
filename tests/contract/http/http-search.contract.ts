import { describe, expect, it } from "vitest";
import { LATER, NOW } from "../../../src/testing/fixtures.ts";
import { fieldCodes, nextLink, toPage, previousLink, type OpenRemoteApi, type PostBody } from "../../support/api.ts";

const searchFor = (q: string, more: Readonly<Record<string, string>> = {}) =>
  `/v1/posts?${new URLSearchParams({ q, ...more }).toString()}`;

export function httpSearchContract(open: OpenRemoteApi) {
  describe("GET /v1/posts?q=", () => {
    it("returns the posts with the words, best match first, each with an excerpt in HTML", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const second = await owner.write({ title: "Notes", content: "The <b>engine</b> & others", status: "published" });
      const first = await owner.write({ title: "Engine", content: "On an engine's parts", status: "published" });
      await owner.write({ title: "Garden", content: "Roses", status: "published" });
      const { items } = toPage(await nobody.get(searchFor(" Éngine ")));
      expect(items.map(({ id }) => id)).toEqual([first.id, second.id]);
      const excerpts = items.map((item) => (item as PostBody & { readonly excerpt: string }).excerpt);
      expect(items[0]).toEqual({ ...first, excerpt: excerpts[0] });
      expect(excerpts[0]).toContain("<mark>engine</mark>");
      expect(excerpts[1]).toContain("<mark>engine</mark>");
      for (const excerpt of excerpts) {
        expect(excerpt.replaceAll(/<\/?mark>|&(?:amp|lt|gt|quot|#39);/g, "")).not.toMatch(/[<>&"']/);
      }
    });

    it("shows drafts only to their author and to admins", async () => {
      const { author, admin, nobody } = await open();
      const [owner, other] = [await author(), await author()];
      const draft = await owner.write({ title: "Secret engine", content: "Of an engine" });
      const ids = async (who: { get: typeof owner.get }, q: string) =>
        toPage(await who.get(searchFor(q))).items.map(({ id }) => id);
      for (const q of ["engine", "secrat", "-xyzzy"]) {
        expect(await ids(owner, q)).toEqual([draft.id]);
        expect(await ids(await admin(), q)).toEqual([draft.id]);
        expect([await ids(other, q), await ids(nobody, q)]).toEqual([[], []]);
      }
    });

    it("paginates forward and backward, and includes authors", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      for (let n = 0; n < 5; n++) await owner.write({ title: "Engine", content: `Number ${n}`, status: "published" });
      const first = await nobody.get(searchFor("engine", { limit: "2", include: "author" }));
      const second = await nobody.get(nextLink(first) ?? "");
      const third = await nobody.get(nextLink(second) ?? "");
      const contents = [first, second, third].map((page) =>
        toPage(page).items.map((post) => (post as PostBody).content),
      );
      expect(contents).toEqual([["Number 4", "Number 3"], ["Number 2", "Number 1"], ["Number 0"]]);
      expect(nextLink(third)).toBeNull();
      expect(toPage(await nobody.get(previousLink(third) ?? "")).items).toEqual(toPage(second).items);
      expect(toPage(first).items[0]).toMatchObject({ author: { id: owner.id } });
    });

    it("rejects the cursor of a page with count=true for a search without it, and the other way around", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      for (let n = 0; n < 3; n++) await owner.write({ title: "Engine", content: `Number ${n}`, status: "published" });
      const [plain, counted] = [
        searchFor("engine", { limit: "1" }),
        searchFor("engine", { limit: "1", count: "true" }),
      ];
      for (const [path, other] of [
        [plain, counted],
        [counted, plain],
      ] as const) {
        const next = nextLink(await nobody.get(path)) ?? "";
        expect((await nobody.get(next)).status).toBe(200);
        const cursor = new URL(next, "http://localhost").searchParams.get("cursor") ?? "";
        const refused = await nobody.get(`${other}&${new URLSearchParams({ cursor }).toString()}`);
        expect(fieldCodes(refused)).toEqual(["/cursor: malformed_cursor"]);
      }
    });

    it("combines with the filters author, status, published-after and published-before", async () => {
      const { author, clock, nobody } = await open();
      clock.set(NOW);
      const [owner, other] = [await author(), await author()];
      await owner.write({ title: "Engine of the owner", status: "published" });
      await owner.write({ title: "Engine, a draft" });
      clock.set(LATER);
      await other.write({ title: "Engine of another", status: "published" });
      const search = async (who: typeof owner | typeof nobody, more: Readonly<Record<string, string>>) => {
        const page = (await who.get(searchFor("engine", { count: "true", ...more }))).body as {
          items: readonly PostBody[];
          total: number;
        };
        expect(page.total).toBe(page.items.length);
        return page.items.map(({ title }) => title.slice("Engine".length)).toSorted();
      };
      const [mine, draft, others] = [" of the owner", ", a draft", " of another"];
      expect(await search(owner, {})).toEqual([others, mine, draft]);
      expect(await search(owner, { author: owner.id })).toEqual([mine, draft]);
      expect(await search(nobody, { author: owner.id })).toEqual([mine]);
      expect(await search(owner, { status: "draft" })).toEqual([draft]);
      expect(await search(other, { status: "draft" })).toEqual([]);
      expect(await search(owner, { status: "published" })).toEqual([others, mine]);
      expect(await search(owner, { "published-after": NOW.toISOString() })).toEqual([others]);
      expect(await search(owner, { "published-before": LATER.toISOString() })).toEqual([mine]);
      expect(await search(owner, { "published-after": NOW.toISOString(), author: owner.id })).toEqual([]);
    });

    it("returns the total with every page, and the requested fields with the excerpt", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      for (let n = 0; n < 3; n++) await owner.write({ title: "Engine", content: "Steam engine", status: "published" });
      const page = await nobody.get(searchFor("engine", { limit: "2", count: "true", fields: "title" }));
      const excerpt = "Steam <mark>engine</mark>";
      expect(page.body).toMatchObject({
        total: 3,
        items: [
          { title: "Engine", excerpt },
          { title: "Engine", excerpt },
        ],
      });
      expect(Object.keys(toPage(page).items[0] ?? {}).toSorted()).toEqual(["excerpt", "id", "title"]);
      expect(page.body).toMatchObject({ totalIsExact: true });
      expect((await nobody.get(nextLink(page) ?? "")).body).toMatchObject({ total: 3, items: [{ excerpt }] });
    });

    it("accepts only sort=relevance, which is rejected without q", async () => {
      const { nobody } = await open();
      expect((await nobody.get(searchFor("engine", { sort: "relevance" }))).status).toBe(200);
      for (const sort of ["-created", "created", "title", "-published"]) {
        const reply = await nobody.get(searchFor("engine", { sort }));
        expect(fieldCodes(reply)).toEqual(["/sort: contradictory"]);
        expect(reply.text).toContain("Leave out sort or q.");
      }
      const reply = await nobody.get("/v1/posts?sort=relevance");
      expect(fieldCodes(reply)).toEqual(["/sort: contradictory"]);
      expect(reply.text).toContain("Add q, or use another sort.");
      expect(fieldCodes(await nobody.get("/v1/posts?sort=-relevance"))).toEqual(["/sort: not_allowed"]);
    });

    it("is accepted only once and only in the list of all posts", async () => {
      const { author, nobody } = await open();
      const { path } = await author();
      expect(fieldCodes(await nobody.get(`${path}/posts?q=engine`))).toEqual(["/q: unknown_field"]);
      expect(fieldCodes(await nobody.get("/v1/users?q=engine"))).toEqual(["/q: unknown_field"]);
      expect(fieldCodes(await nobody.get("/v1/posts?q=a&q=b"))).toEqual(["/q: repeated"]);
    });

    it("rejects a cursor of another search or of a list", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      for (let n = 0; n < 3; n++) await owner.write({ title: "Engine", content: "Text", status: "published" });
      const cursorOf = async (path: string) => toPage(await nobody.get(path)).nextCursor ?? "";
      const ofSearch = await cursorOf(searchFor("engine", { limit: "1" }));
      const ofList = await cursorOf("/v1/posts?limit=1");
      const refused = [
        searchFor("text", { cursor: ofSearch }),
        searchFor("engine", { cursor: ofSearch, author: owner.id }),
        searchFor("engine", { cursor: ofList }),
        `/v1/posts?cursor=${ofSearch}`,
      ];
      for (const path of refused) {
        expect(fieldCodes(await nobody.get(path))).toEqual(["/cursor: malformed_cursor"]);
      }
    });

    it.each([
      ["nothing", "", "blank"],
      ["white space", " \t ", "blank"],
      ["201 characters", "a".repeat(201), "too_long"],
      ["U+0000", "a\0b", "nul_character"],
      ["punctuation alone", '- "" (%) <&>', "without_words"],
      ["17 words", "a b c d e f g h i j k l m n o p q", "too_many_terms"],
    ])("rejects a search for %s", async (_, q, code) => {
      const { nobody } = await open();
      expect(fieldCodes(await nobody.get(searchFor(q)))).toEqual([`/q: ${code}`]);
    });

    it("returns an empty list when no post matches", async () => {
      const { nobody } = await open();
      const reply = await nobody.get(searchFor("xyzzy"));
      expect(reply.body).toEqual({ items: [], nextCursor: null, previousCursor: null });
    });
  });
}
