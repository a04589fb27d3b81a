import { describe, expect, it } from "vitest";
import { HTTP_SETTINGS, problemOf, type OpenApi } from "../support/api.ts";

export function httpConditionalContract(open: OpenApi) {
  describe("a server that requires If-Match", () => {
    const strict = async () => open({ http: { ...HTTP_SETTINGS, requireIfMatch: true } });

    it("refuses to edit and to delete a post without it", async () => {
      const owner = await (await strict()).author();
      const post = await owner.write();
      const path = `/v1/posts/${post.id}`;
      expect(problemOf(await owner.patch(path, { title: "Another" }))).toBe("428 precondition_required");
      expect(problemOf(await owner.delete(path))).toBe("428 precondition_required");
      expect((await owner.get(path)).body).toEqual(post);
    });

    it.each(['"1"', "*"])("edits and deletes a post with If-Match: %s", async (tag) => {
      const owner = await (await strict()).author();
      const [edited, deleted] = [await owner.write(), await owner.write()];
      const headers = { "If-Match": tag };
      expect((await owner.patch(`/v1/posts/${edited.id}`, { title: "Another" }, headers)).status).toBe(200);
      expect((await owner.delete(`/v1/posts/${deleted.id}`, headers)).status).toBe(204);
    });

    it("publishes a post and edits a user without it", async () => {
      const owner = await (await strict()).author();
      const post = await owner.write();
      expect((await owner.post(`/v1/posts/${post.id}/publish`)).status).toBe(200);
      expect((await owner.patch(owner.path, { name: "Grace" })).status).toBe(200);
    });
  });

  describe("a server that does not require If-Match", () => {
    it("edits and deletes a post without it", async () => {
      const owner = await (await open()).author();
      const post = await owner.write();
      expect((await owner.patch(`/v1/posts/${post.id}`, { title: "Another" })).status).toBe(200);
      expect((await owner.delete(`/v1/posts/${post.id}`)).status).toBe(204);
    });
  });
}
