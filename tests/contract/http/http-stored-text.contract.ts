import { describe, expect, it } from "vitest";
import type { Storage } from "../../../src/application/ports/storage.ts";
import type { UserName } from "../../../src/domain/user/user.ts";
import { openApi } from "../../support/api.ts";
import { aPublishedPost, aUser, email } from "../../../src/testing/fixtures.ts";

/** In the order of their sort keys. A title of only an invisible character comes after letters. */
const TITLES = ["a\nb", "\u0001bell\u0007", "\u202egnp.exe", "\u200b"];

/** Text that older versions accepted stays usable, even if the current rules would reject it. */
export function httpStoredTextContract(openStorage: () => Promise<Storage>): void {
  describe("stored text that the current rules would reject", () => {
    async function withOldText() {
      const storage = await openStorage();
      const owner = aUser({ role: "admin", name: "\u202eold\u0007" as UserName, email: email("old@example.org") });
      (await storage.users.insert(owner))._unsafeUnwrap();
      const posts = TITLES.map((title) => aPublishedPost(owner.id, { title, content: "C\u0001\u009b" }));
      for (const post of posts) (await storage.posts.insert(post))._unsafeUnwrap();
      return { ...openApi(storage), owner, posts };
    }

    it("is returned unchanged", async () => {
      const { nobody, owner, posts } = await withOldText();
      for (const { id, title, content } of posts) {
        expect((await nobody.get(`/v1/posts/${id}`)).body).toMatchObject({ title, content });
      }
      expect((await nobody.get(`/v1/users/${owner.id}`)).body).toMatchObject({ name: owner.name });
    });

    it("is listed by title, forward and backward", async () => {
      const { nobody } = await withOldText();
      const seen: string[] = [];
      let path: string | null = "/v1/posts?sort=title&limit=1";
      let last = path;
      while (path !== null) {
        const { status, body } = await nobody.get(path);
        expect(status).toBe(200);
        const page = body as { items: { title: string }[]; nextCursor: string | null };
        seen.push(...page.items.map(({ title }) => title));
        last = path;
        path = page.nextCursor && `/v1/posts?sort=title&limit=1&cursor=${page.nextCursor}`;
      }
      expect(seen).toEqual(TITLES);
      const { previousCursor } = (await nobody.get(last)).body as { previousCursor: string };
      expect((await nobody.get(`/v1/posts?sort=title&limit=1&cursor=${previousCursor}`)).status).toBe(200);
    });

    it("is kept when other fields change, and can be replaced", async () => {
      const { admin: anAdmin, posts, owner } = await withOldText();
      const admin = await anAdmin();
      for (const { id, title } of posts) {
        const path = `/v1/posts/${id}`;
        expect((await admin.patch(path, { content: "New" })).body).toMatchObject({ title, content: "New" });
        expect((await admin.post(`${path}/unpublish`)).status).toBe(200);
        expect((await admin.post(`${path}/publish`)).body).toMatchObject({ title });
        expect((await admin.patch(path, { title: "New" })).body).toMatchObject({ title: "New" });
      }
      const changed = await admin.patch(`/v1/users/${owner.id}`, { email: "new@example.org" });
      expect(changed.body).toMatchObject({ name: owner.name, email: "new@example.org" });
    });
  });
}
