import * as fc from "fast-check";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { parseVersion, type Version } from "../../src/domain/version.ts";
import { etag, expectedVersions, isNotModified } from "../../src/interfaces/http/etag.ts";

/** What the functions make of a header, as they are called in a request that has it. */
const app = new Hono()
  .get("/expected", (c) => c.json(expectedVersions(c)))
  .get("/not-modified", (c) => c.json(isNotModified(c, c.req.query("current") ?? "")));

async function versionsIn(ifMatch: string | null): Promise<unknown> {
  const response = await app.request("/expected", { headers: ifMatch === null ? {} : { "If-Match": ifMatch } });
  return response.json();
}

async function notModified(current: string, ifNoneMatch: string | null): Promise<unknown> {
  const headers: Record<string, string> = ifNoneMatch === null ? {} : { "If-None-Match": ifNoneMatch };
  const response = await app.request(`/not-modified?current=${encodeURIComponent(current)}`, { headers });
  return response.json();
}

const version = (raw: number): Version => parseVersion(raw) ?? expect.fail(`${raw} is no version`);
const aVersion = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(version);
const aRepresentation = fc.constantFrom("full" as const, "public" as const);

describe("an entity tag", () => {
  it("is strong and quoted, and another one for each representation of a version", () => {
    expect(etag(version(3))).toBe('"3"');
    expect(etag(version(3), "full")).toBe('"3"');
    expect(etag(version(3), "public")).toBe('"3-public"');
  });

  it("differs between any two versions and representations", () => {
    fc.assert(
      fc.property(aVersion, aRepresentation, aVersion, aRepresentation, (v1, r1, v2, r2) => {
        fc.pre(v1 !== v2 || r1 !== r2);
        expect(etag(v1, r1)).not.toBe(etag(v2, r2));
      }),
    );
  });

  it("names its version in If-Match, whatever the representation", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(aVersion, aRepresentation), { minLength: 1 }), async (tags) => {
        const header = tags.map(([of, representation]) => etag(of, representation)).join(", ");
        expect(await versionsIn(header)).toEqual(tags.map(([of]) => of));
      }),
    );
  });

  it("is found by If-None-Match wherever it is in the list, weak or strong", async () => {
    const aTag = fc.tuple(fc.constantFrom("", "W/"), aVersion).map(([weak, of]) => `${weak}${etag(of)}`);
    await fc.assert(
      fc.asyncProperty(fc.array(aTag, { minLength: 1, maxLength: 5 }), fc.nat(4), async (tags, index) => {
        const current = tags[index % tags.length]?.replace("W/", "") ?? "";
        expect(await notModified(current, tags.join(" , "))).toBe(true);
      }),
    );
  });
});

describe("If-Match", () => {
  it.each([
    ["nothing", null],
    ["any tag", "*"],
  ])("sets no condition with %s", async (_, header) => {
    expect(await versionsIn(header)).toBeNull();
  });

  it.each([
    ['"1"', [1]],
    ['"1","2"', [1, 2]],
    ['"1" ,\t"2-public"', [1, 2]],
    [',"1",,"2",', [1, 2]],
    ['"a,b", "3"', [3]],
    ['W/"1", "2"', [2]],
    ['W/"1"', []],
    ["", []],
    ["1", []],
    ['"1', []],
    ['1"', []],
    ["'1'", []],
    ['w/"1"', []],
    ['""', []],
    ['"0"', []],
    ['"-1"', []],
    ['"01"', []],
    ['"+1"', []],
    ['" 1"', []],
    ['"1.0"', []],
    ['"1e3"', []],
    ['"0x1"', []],
    ['"1-private"', []],
    ['"1-public-public"', []],
    ['"9007199254740993"', []],
    ['"NaN"', []],
    ['"\xff"', []],
    ['"*"', []],
  ])("%j names the versions %j", async (header, versions) => {
    expect(await versionsIn(header)).toEqual(versions);
  });

  it("names versions alone, whatever it holds, and never throws", async () => {
    const aHeader = fc.string({ unit: fc.constantFrom(...Array.from('"W/*, \t0123-public\xff')) });
    await fc.assert(
      fc.asyncProperty(aHeader, async (header) => {
        const versions = (await versionsIn(header)) as number[] | null;
        for (const named of versions ?? []) expect(header).toContain(String(named));
      }),
    );
  });
});

describe("If-None-Match", () => {
  it.each([
    ["nothing", null, false],
    ["the tag", '"2"', true],
    ["the tag as a weak one", 'W/"2"', true],
    ["a list with it", '"1", "2"', true],
    ["any tag", "*", true],
    ["any tag among white space", " * ", true],
    ["another tag", '"1"', false],
    ["the tag of the other representation", '"2-public"', false],
    ["a tag that begins so", '"22"', false],
    ["no quotes", "2", false],
    ["an empty header", "", false],
  ])("with %s says whether the client has it", async (_, header, expected) => {
    expect(await notModified('"2"', header)).toBe(expected);
  });
});
