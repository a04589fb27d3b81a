import { describe, expect, it } from "vitest";
import { ANALYSIS_VERSION } from "../../../src/domain/search/text-analysis.ts";
import { parseSearchQuery } from "../../../src/domain/search/search-query.ts";
import type { PostId } from "../../../src/domain/shared/id.ts";
import { hitSearch } from "../../../src/infrastructure/drizzle/search/hits.ts";
import type { Scan, StepRequest } from "../../../src/infrastructure/drizzle/search/step-statement.ts";

const FILTER = { published: { authorId: null, after: null, before: null }, drafts: null };

/** The steps of a search in an empty index, without those of the passes with typos. */
async function stepsOf(raw: string): Promise<readonly StepRequest[]> {
  const requests: StepRequest[] = [];
  const hits = hitSearch().find(
    async (request) => {
      requests.push(request);
      const scans = request.scans.map(() => NOTHING);
      return { scans, analysis: ANALYSIS_VERSION, isComplete: true, lastOrdinal: 0 };
    },
    FILTER,
    parseSearchQuery(raw)._unsafeUnwrap(),
    false,
  );
  await hits.next();
  return requests;
}

/** The result of a scan without hits. */
const NOTHING = { isTooMany: false, readTo: null, found: [], matches: 0, read: 0 };

/** Whether the condition is that both words are in the title. */
const isOfTitles = (condition: string | null) => /=green.*=harbour/.test(condition ?? "");

describe("the steps of a search", () => {
  it("evaluate no condition on the terms of rows for one word, whose levels have scans of their own", async () => {
    const steps = await stepsOf("harbour");
    expect(steps.length).toBeGreaterThan(0);
    for (const { scans, features } of steps) {
      expect(scans.length).toBeGreaterThan(1);
      expect(features).toEqual([]);
    }
  });

  it.each(["green harbour", '"green harbour"', "green or harbour"])(
    "evaluate the conditions of all levels on the terms of rows for %j",
    async (raw) => {
      const steps = await stepsOf(raw);
      expect(steps.length).toBeGreaterThan(0);
      for (const { features } of steps) expect(features.length).toBeGreaterThan(1);
    },
  );

  /** The scans of two words in an index whose rows all have both in their texts. */
  const scansOf = async (isInTitles: boolean) => {
    const scanned: Scan[] = [];
    const search = hitSearch().find(
      async ({ scans, features }) => {
        scanned.push(...scans);
        const rows = scans.map(({ below, rows: most, checked }) => {
          if (isOfTitles(checked)) return NOTHING;
          const found = Array.from({ length: most }, (_, n) => {
            const ordinal = below - 1 - n;
            return { id: `post ${ordinal}` as PostId, ordinal, features: features.map(() => isInTitles) };
          });
          return { ...NOTHING, readTo: below - most, found, matches: 1_000, read: most };
        });
        return { scans: rows, analysis: ANALYSIS_VERSION, isComplete: true, lastOrdinal: 100_000 };
      },
      FILTER,
      parseSearchQuery("green harbour")._unsafeUnwrap(),
      false,
    );
    const { value } = await search.next();
    return { hits: (value?.hits ?? []) as readonly unknown[], scanned };
  };

  it("look for two words in titles only below the rows of which the texts were read", async () => {
    const { hits, scanned } = await scansOf(false);
    expect(hits).toHaveLength(200);
    const texts = scanned.filter(({ checked }) => !isOfTitles(checked));
    const titles = scanned.slice(texts.length);
    expect(titles.length).toBeGreaterThan(0);
    const last = texts.at(-1);
    expect(titles[0]?.below).toBe((last?.below ?? NaN) - (last?.rows ?? NaN));
    expect(scanned.every(({ checked }, n) => isOfTitles(checked) === n >= texts.length)).toBe(true);
  });

  it("do not look for two words in titles after enough rows with both in the title", async () => {
    const { hits, scanned } = await scansOf(true);
    expect(hits).toHaveLength(200);
    expect(scanned.filter(({ checked }) => isOfTitles(checked))).toEqual([]);
  });

  it("begin again for a row that another process has added directly above the expected ordinals", async () => {
    const tops: (number | null)[] = [];
    let lastOrdinal = 0;
    const search = hitSearch().find(
      async ({ scans }) => {
        const [first] = scans;
        tops.push(first?.below ?? null);
        // All rows of the scan are below this ordinal.
        if (lastOrdinal === 0) lastOrdinal = first?.below ?? 0;
        const rows = scans.map(() => NOTHING);
        return { scans: rows, analysis: ANALYSIS_VERSION, isComplete: true, lastOrdinal };
      },
      FILTER,
      parseSearchQuery("harbour")._unsafeUnwrap(),
      false,
    );
    await search.next();
    expect(lastOrdinal).toBeGreaterThan(0);
    expect(tops[1]).toBeGreaterThan(lastOrdinal);
  });

  it("look for typos in the titles of hits only between the newest hit and the oldest", async () => {
    const row = (ordinal: number) => ({ id: `post ${ordinal}` as PostId, ordinal, features: [] });
    const hits = { ...NOTHING, found: [row(40_200), row(40_000)], matches: 2, read: 2 };
    const scanned: Scan[] = [];
    const search = hitSearch().find(
      async ({ scans }) => {
        scanned.push(...scans);
        const rows = scans.map(({ indexed }) =>
          indexed.some((text) => /^\(?'9\.harbour'/.test(text)) ? hits : NOTHING,
        );
        return { scans: rows, analysis: ANALYSIS_VERSION, isComplete: true, lastOrdinal: 100_000 };
      },
      FILTER,
      parseSearchQuery("harbour")._unsafeUnwrap(),
      false,
    );
    await search.next();
    const ofTypos = scanned.filter(({ indexed }) => indexed.some((text) => text.includes("'9.~")));
    expect(ofTypos).toMatchObject([{ below: 40_201, indexed: [expect.stringMatching(/ & \('9@6'\)$/)] }]);
  });
});
