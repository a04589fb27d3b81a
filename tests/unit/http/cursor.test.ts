import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { parsePostTitle } from "../../../src/domain/post/post.ts";
import { decodeCursor, encodeCursor } from "../../../src/interfaces/http/cursor.ts";
import { past } from "../../support/fixtures.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const aPlace = fc.record({
  direction: fc.constantFrom("forward" as const, "backward" as const),
  id: fc.uuid().map((id) => id as UserId),
  key: fc.option(
    fc.string({ unit: "binary", minLength: 1, maxLength: 300 }).filter((key) => parsePostTitle(key).isOk()),
  ),
});
const aList = fc.constantFrom("users", "posts", "sessions", "users/00000000-0000-7000-8000-000000000000/posts");

describe("a cursor", () => {
  it("gives back the place that it was made from, for the list that it was made for", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPlace, async (list, place) => {
        expect(decodeCursor(list, encodeCursor(list, place))).toEqual(place);
      }),
    );
  });

  it("goes into a URL as it is", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPlace, async (list, place) => {
        const cursor = encodeCursor(list, place);
        expect(encodeURIComponent(cursor)).toBe(cursor);
      }),
    );
  });

  it("does not show the id", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPlace, async (list, place) => {
        const cursor = encodeCursor(list, place);
        expect(cursor).not.toContain(place.id);
        expect(cursor).not.toContain(place.id.replaceAll("-", ""));
      }),
    );
  });

  it("is refused by every other list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), aPlace, async (list, other, place) => {
        fc.pre(list !== other);
        expect(decodeCursor(other, encodeCursor(list, place))).toBeNull();
      }),
    );
  });

  it("is refused when any one of its characters is another", async () => {
    const aCharacter = fc.oneof(
      fc.constantFrom(...Array.from(ALPHABET)),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(aList, aPlace, fc.nat(31), aCharacter, async (list, place, index, character) => {
        const cursor = encodeCursor(list, place);
        fc.pre(cursor[index] !== character);
        const changed = `${cursor.slice(0, index)}${character}${cursor.slice(index + 1)}`;
        expect(decodeCursor(list, changed)).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it("is refused when it is cut or lengthened", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPlace, fc.nat(31), async (list, place, length) => {
        const cursor = encodeCursor(list, place);
        expect(decodeCursor(list, cursor.slice(0, length))).toBeNull();
        expect(decodeCursor(list, `${cursor}${cursor.slice(0, length + 1)}`)).toBeNull();
      }),
    );
  });

  it("is refused when it is any text, and never throws", async () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(...Array.from(ALPHABET)), minLength: 34, maxLength: 36 }),
    );
    await fc.assert(
      fc.asyncProperty(aList, anyText, async (list, text) => {
        expect(decodeCursor(list, text)).toBeNull();
      }),
    );
  });

  it("is one for one place, so that a page has one address", async () => {
    const place = past("01900000-0000-7000-8000-000000000000" as UserId);
    expect(encodeCursor("users", place)).toBe(encodeCursor("users", place));
  });

  it("is refused in base64 of the other alphabet", async () => {
    const id = "ffffffff-ffff-7fff-bfff-ffffffffffff" as UserId;
    const cursor = encodeCursor("users", past(id));
    const other = cursor.replaceAll("-", "+").replaceAll("_", "/");
    expect(other).not.toBe(cursor);
    expect(decodeCursor("users", other)).toBeNull();
  });
});
