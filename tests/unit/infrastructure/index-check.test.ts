import { describe, expect, it } from "vitest";
import { checkIndexes } from "../../../src/infrastructure/pglite/integrity/index-check.ts";

const INDEX = { index: "posts_pkey", whole: true, kind: "btree" };

/** A client whose statement of amcheck fails with an error. */
function clientThat(failure: Error): Parameters<typeof checkIndexes>[0] {
  return {
    transaction: async (work) =>
      work({
        query: async <T>(text: string) => {
          if (text.includes("bt_index_check")) throw failure;
          // The caller names the type of its rows.
          return { rows: [INDEX] as unknown as readonly T[] };
        },
      }),
  };
}

const errorWith = (code: string) => Object.assign(new Error("the message of PostgreSQL"), { code });

describe("checkIndexes", () => {
  it.each(["XX001", "XX002", "58P01"])("reports an index as damaged when its check fails with %s", async (code) => {
    const checked = await checkIndexes(clientThat(errorWith(code)));
    expect(checked._unsafeUnwrapErr()).toEqual({
      kind: "index_damaged",
      index: "posts_pkey",
      detail: "the message of PostgreSQL",
    });
  });

  it.each(["53000", "53100", "53200", "57014", "58000"])(
    "reports a failed check when it fails with %s",
    async (code) => {
      const checked = await checkIndexes(clientThat(errorWith(code)));
      expect(checked._unsafeUnwrapErr()).toEqual({
        kind: "index_check_failed",
        detail: "its indexes cannot be checked (the message of PostgreSQL)",
      });
    },
  );

  it("reports a failed check when the engine fails during it", async () => {
    const checked = await checkIndexes(clientThat(new Error("the engine failed")));
    expect(checked._unsafeUnwrapErr()).toMatchObject({ kind: "index_check_failed" });
  });
});
