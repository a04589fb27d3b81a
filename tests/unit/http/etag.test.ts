import * as fc from "fast-check";
import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { answerHeaders } from "../../../src/interfaces/http/answer-headers.ts";
import type { HttpEnv } from "../../../src/interfaces/http/environment.ts";
import { parseVersion, type Version } from "../../../src/domain/shared/version.ts";
import {
  authorRepresentation,
  etag,
  expectedVersions,
  weakEtag,
  preconditionResponse,
} from "../../../src/interfaces/http/etag.ts";
import { respond } from "../../../src/interfaces/http/respond.ts";

/** An app that calls the functions with the headers of a request. */
const app = new Hono<HttpEnv>()
  .use(answerHeaders(""))
  .get("/expected", (c) => c.json(expectedVersions(c)))
  .get("/resource", (c) => preconditionResponse(c, c.req.query("current") ?? "") ?? respond(c, "sent", 200));

async function versionsIn(ifMatch: string | null, ifNoneMatch: string | null = null): Promise<unknown> {
  const response = await app.request("/expected", { headers: preconditions(ifMatch, ifNoneMatch) });
  return response.json();
}

async function statusOf(current: string, ifMatch: string | null, ifNoneMatch: string | null): Promise<number> {
  const path = `/resource?current=${encodeURIComponent(current)}`;
  const response = await app.request(path, { headers: preconditions(ifMatch, ifNoneMatch) });
  expect(response.headers.get("ETag")).toBe(response.status === 412 ? null : current);
  return response.status;
}

function preconditions(ifMatch: string | null, ifNoneMatch: string | null): Record<string, string> {
  return {
    ...(ifMatch === null ? {} : { "If-Match": ifMatch }),
    ...(ifNoneMatch === null ? {} : { "If-None-Match": ifNoneMatch }),
  };
}

const version = (raw: number): Version => parseVersion(raw) ?? expect.fail(`${raw} is not a version`);
const aVersion = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map(version);
const aRepresentation = fc.oneof(
  fc.constantFrom("full" as const, "public" as const),
  fc.string().map((name) => authorRepresentation({ name })),
);

describe("an entity tag", () => {
  it("is strong and quoted, and differs for each representation of a version", () => {
    expect(etag(version(3))).toBe('"3"');
    expect(etag(version(3), "full")).toBe('"3"');
    expect(etag(version(3), "public")).toBe('"3-public"');
    expect(etag(version(3), authorRepresentation({ name: "Ada" }))).toMatch(/^"3-author-[0-9a-f]{32}"$/);
  });

  it("differs between any two versions and representations", () => {
    fc.assert(
      fc.property(aVersion, aRepresentation, aVersion, aRepresentation, (v1, r1, v2, r2) => {
        fc.pre(v1 !== v2 || r1 !== r2);
        expect(etag(v1, r1)).not.toBe(etag(v2, r2));
      }),
    );
  });

  it("names its version in If-Match for every representation", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(aVersion, aRepresentation), { minLength: 1 }), async (tags) => {
        const header = tags.map(([of, representation]) => etag(of, representation)).join(", ");
        expect(await versionsIn(header)).toEqual(tags.map(([of]) => of));
      }),
    );
  });

  it("matches If-None-Match at any position of the list, weak or strong", async () => {
    const aTag = fc.tuple(fc.constantFrom("", "W/"), aVersion).map(([weak, of]) => `${weak}${etag(of)}`);
    await fc.assert(
      fc.asyncProperty(fc.array(aTag, { minLength: 1, maxLength: 5 }), fc.nat(4), async (tags, index) => {
        const current = tags[index % tags.length]?.replace("W/", "") ?? "";
        expect(await statusOf(current, null, tags.join(" , "))).toBe(304);
      }),
    );
  });
});

describe("the tag of a list", () => {
  it("is weak, and equal for equal states", () => {
    expect(weakEtag([["a", 1], null])).toMatch(/^W\/"[0-9a-f]{32}"$/);
    expect(weakEtag([["a", 1], null])).toBe(weakEtag([["a", 1], null]));
  });

  it("differs for different states", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        fc.pre(JSON.stringify(one) !== JSON.stringify(other));
        expect(weakEtag(one)).not.toBe(weakEtag(other));
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

  it("names only versions that the header contains, and never throws", async () => {
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
    ["nothing", null, 200],
    ["the tag", '"2"', 304],
    ["the weak form of the tag", 'W/"2"', 304],
    ["a list with it", '"1", "2"', 304],
    ["any tag", "*", 304],
    ["any tag among white space", " * ", 304],
    ["another tag", '"1"', 200],
    ["the tag of the other representation", '"2-public"', 200],
    ["a tag with the same beginning", '"22"', 200],
    ["no quotes", "2", 200],
    ["an empty header", "", 200],
  ])("a GET with %s as If-None-Match (%j) gets %i", async (_, header, expected) => {
    expect(await statusOf('"2"', null, header)).toBe(expected);
    expect(await statusOf('W/"2"', null, header)).toBe(expected);
  });

  it.each([
    ["alone, all except those that it names", null, '"1", W/"2-public"', { except: [1, 2] }],
    ["alone and without a tag, all", null, "", { except: [] }],
    ["with If-Match: *, all except those that it names", "*", '"1"', { except: [1] }],
    ["with tags in If-Match, the tags that it does not name", '"1", "2"', 'W/"1"', [2]],
    ["as *, none", null, "*", []],
    ["as * with tags in If-Match, none", '"1"', "*", []],
  ])("allows the versions of a change: %s", async (_, ifMatch, ifNoneMatch, expected) => {
    expect(await versionsIn(ifMatch, ifNoneMatch)).toEqual(expected);
  });
});

describe("the preconditions of a GET", () => {
  it.each([
    ['"2"', '"2"', null, 200],
    ['"2"', '"1", "2"', null, 200],
    ['"2"', "*", null, 200],
    ['"2"', '"1"', null, 412],
    ['"2"', 'W/"2"', null, 412],
    ['"2"', "", null, 412],
    ['W/"2"', '"2"', null, 412],
    ['W/"2"', 'W/"2"', null, 412],
    ['W/"2"', "*", null, 200],
    ['"2"', '"1"', '"2"', 412],
    ['"2"', '"2"', '"2"', 304],
    ['"2"', "*", '"1"', 200],
  ])(
    "a resource with the tag %s, If-Match %j and If-None-Match %j results in %i",
    async (current, ifMatch, ifNoneMatch, status) => {
      expect(await statusOf(current, ifMatch, ifNoneMatch)).toBe(status);
    },
  );
});
