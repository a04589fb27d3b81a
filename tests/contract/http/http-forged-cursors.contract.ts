import { describe, expect, it } from "vitest";
import { POST_SORT_KEYS } from "../../../src/domain/post/post-list.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { encodeCursor } from "../../../src/interfaces/http/cursor.ts";
import { postListName, toListQuery } from "../../../src/interfaces/http/routes/posts/post-query.ts";
import { type OpenRemoteApi } from "../../support/api.ts";

const ID = "01900000-0000-7000-8000-000000000000" as PostId;
const SORTS = POST_SORT_KEYS.flatMap((by) => [by, `-${by}`] as const);

/** The checksum of a cursor needs no secret, so a client can forge a cursor that it accepts. */
export function httpForgedCursorsContract(open: OpenRemoteApi) {
  describe("a forged cursor", () => {
    it.each(SORTS)("is accepted with sort=%s when its key has the right type", async (sort) => {
      const { nobody } = await open();
      const by = sort.replace("-", "") as (typeof POST_SORT_KEYS)[number];
      const key = { created: null, title: "A title", updated: MOMENT, published: MOMENT }[by];
      const list = postListName("posts", toListQuery({ sort }));
      const cursor = encodeCursor(list, { direction: "forward", key, id: ID });
      expect((await nobody.get(`/v1/posts?sort=${sort}&cursor=${cursor}`)).status).toBe(200);
    });
  });
}

const MOMENT = "2026-03-01T12:00:00.000Z";
