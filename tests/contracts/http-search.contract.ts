import { describe, expect, it } from "vitest";
import { fieldCodes, nextLink, pageOf, previousLink, type OpenApi, type PostBody } from "../support/api.ts";

const searchFor = (q: string, more: Readonly<Record<string, string>> = {}) =>
  `/v1/posts?${new URLSearchParams({ q, ...more }).toString()}`;

export function httpSearchContract(open: OpenApi) {
  describe("GET /v1/posts?q=", () => {
    it("answers with the posts that have the words, the best first, each with an excerpt in HTML", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      const second = await owner.write({ title: "Notes", content: "The <b>engine</b> & others", status: "published" });
      const first = await owner.write({ title: "Engine", content: "On an engine's parts", status: "published" });
      await owner.write({ title: "Garden", content: "Roses", status: "published" });
      const { items } = pageOf(await nobody.get(searchFor(" Éngine ")));
      expect(items.map(({ id }) => id)).toEqual([first.id, second.id]);
      const excerpts = items.map((item) => (item as PostBody & { readonly excerpt: string }).excerpt);
      expect(items[0]).toEqual({ ...first, excerpt: excerpts[0] });
      expect(excerpts[0]).toContain("<mark>engine</mark>");
      expect(excerpts[1]).toContain("<mark>engine</mark>");
      for (const excerpt of excerpts) {
        expect(excerpt.replaceAll(/<\/?mark>|&(?:amp|lt|gt|quot|#39);/g, "")).not.toMatch(/[<>&"']/);
      }
    });

    it("shows drafts to those alone who may see them", async () => {
      const { author, admin, nobody } = await open();
      const [owner, other] = [await author(), await author()];
      const draft = await owner.write({ title: "Secret engine", content: "Of an engine" });
      const ids = async (who: { get: typeof owner.get }, q: string) =>
        pageOf(await who.get(searchFor(q))).items.map(({ id }) => id);
      for (const q of ["engine", "secrat", "-xyzzy"]) {
        expect(await ids(owner, q)).toEqual([draft.id]);
        expect(await ids(await admin(), q)).toEqual([draft.id]);
        expect([await ids(other, q), await ids(nobody, q)]).toEqual([[], []]);
      }
    });

    it("leads on and back through its pages, and includes authors", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      for (let n = 0; n < 5; n++) await owner.write({ title: "Engine", content: `Number ${n}`, status: "published" });
      const first = await nobody.get(searchFor("engine", { limit: "2", include: "author" }));
      const second = await nobody.get(nextLink(first) ?? "");
      const third = await nobody.get(nextLink(second) ?? "");
      const contents = [first, second, third].map((page) =>
        pageOf(page).items.map((post) => (post as PostBody).content),
      );
      expect(contents).toEqual([["Number 4", "Number 3"], ["Number 2", "Number 1"], ["Number 0"]]);
      expect(nextLink(third)).toBeNull();
      expect(pageOf(await nobody.get(previousLink(third) ?? "")).items).toEqual(pageOf(second).items);
      expect(pageOf(first).items[0]).toMatchObject({ author: { id: owner.id } });
    });

    it("refuses a cursor of another search, or of a list", async () => {
      const { author, nobody } = await open();
      const owner = await author();
      for (let n = 0; n < 3; n++) await owner.write({ title: "Engine", content: "Text", status: "published" });
      const cursorOf = async (path: string) => pageOf(await nobody.get(path)).nextCursor ?? "";
      const ofSearch = await cursorOf(searchFor("engine", { limit: "1" }));
      const ofList = await cursorOf("/v1/posts?limit=1");
      const refused = [
        searchFor("text", { cursor: ofSearch }),
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
    ])("refuses to search for %s", async (_, q, code) => {
      const { nobody } = await open();
      expect(fieldCodes(await nobody.get(searchFor(q)))).toEqual([`/q: ${code}`]);
    });

    it("answers with an empty list where nothing has the words", async () => {
      const { nobody } = await open();
      const reply = await nobody.get(searchFor("xyzzy"));
      expect(reply.body).toEqual({ items: [], nextCursor: null, previousCursor: null });
    });
  });
}
