import { describe, expect, it } from "vitest";
import { POST_SORT_KEYS } from "../../../src/domain/post/post-list.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { encodeCursor } from "../../../src/interfaces/http/cursor.ts";
import { postListName, toListQuery, toPostQuery } from "../../../src/interfaces/http/routes/posts/post-query.ts";
import { fieldCodes, problemOf, type OpenRemoteApi } from "../../support/api.ts";

const ID = "01900000-0000-7000-8000-000000000000" as PostId;
const SORTS = POST_SORT_KEYS.flatMap((by) => [by, `-${by}`] as const);

/** Impossible sort keys for each sort of a list. */
const WRONG_KEYS = {
  id: ["a", "2026-01-01T00:00:00.000Z", "1"],
  moment: [null, "no time", "2026-13-45T00:00:00.000Z", "0000-01-01T00:00:00.000Z", "1", "+275760-09-13T00:00:00.000Z"],
  title: [null, "\u0000", "\ud800", "a".repeat(301)],
  rank: [null, "no number", "1", "9999999", "-000001", "00000001", "1e10000"],
};

const KEY_TYPE_BY_SORT = { created: "id", updated: "moment", published: "moment", title: "title" } as const;

/** A cursor with an impossible key is rejected before the storage is read, so this runs on memory only. */
export function httpForgedCursorRules(open: OpenRemoteApi) {
  describe("a forged cursor", () => {
    const expectRefused = async (path: string, list: string, keys: readonly (string | null)[]) => {
      const { author } = await open();
      const owner = await author();
      await owner.write({ status: "published" });
      for (const key of keys) {
        for (const direction of ["forward", "backward"] as const) {
          const query = new URLSearchParams({ cursor: encodeCursor(list, { direction, key, id: ID }) });
          const reply = await owner.get(`${path}${path.includes("?") ? "&" : "?"}${query.toString()}`);
          expect(problemOf(reply), JSON.stringify(key)).toBe("422 validation_failed");
          expect(fieldCodes(reply)).toEqual(["/cursor: malformed_cursor"]);
        }
      }
    };

    it.each(SORTS)("is rejected with 422 when its key is impossible for sort=%s", async (sort) => {
      const by = sort.replace("-", "") as (typeof POST_SORT_KEYS)[number];
      const list = postListName("posts", toListQuery({ sort }));
      await expectRefused(`/v1/posts?sort=${sort}`, list, WRONG_KEYS[KEY_TYPE_BY_SORT[by]]);
    });

    it("is rejected with 422 when its key is not a rank of a search", async () => {
      const list = postListName("posts", toPostQuery({ q: parseSearchQuery("word")._unsafeUnwrap() }));
      await expectRefused("/v1/posts?q=word", list, WRONG_KEYS.rank);
    });

    it.each(["users", "sessions"])("is rejected with 422 when it has a sort key in the list of %s", async (list) => {
      await expectRefused(`/v1/${list}`, list, WRONG_KEYS.id);
    });
  });
}
