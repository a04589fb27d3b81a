import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/domain/id.ts";
import { decodeCursor, encodeCursor } from "../../src/interfaces/http/cursor.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const anId = fc.uuid().map((id) => id as UserId);
const aList = fc.constantFrom("users", "posts", "sessions", "users/00000000-0000-7000-8000-000000000000/posts");

describe("a cursor", () => {
  it("gives back the id that it was made from, for the list that it was made for", async () => {
    await fc.assert(
      fc.asyncProperty(aList, anId, async (list, id) => {
        expect(decodeCursor(list, encodeCursor(list, id))).toBe(id);
      }),
    );
  });

  it("goes into a URL as it is", async () => {
    await fc.assert(
      fc.asyncProperty(aList, anId, async (list, id) => {
        const cursor = encodeCursor(list, id);
        expect(encodeURIComponent(cursor)).toBe(cursor);
      }),
    );
  });

  it("does not show the id", async () => {
    await fc.assert(
      fc.asyncProperty(aList, anId, async (list, id) => {
        const cursor = encodeCursor(list, id);
        expect(cursor).not.toContain(id);
        expect(cursor).not.toContain(id.replaceAll("-", ""));
      }),
    );
  });

  it("is refused by every other list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), anId, async (list, other, id) => {
        fc.pre(list !== other);
        expect(decodeCursor(other, encodeCursor(list, id))).toBeNull();
      }),
    );
  });

  it("is refused when any one of its characters is another", async () => {
    const aCharacter = fc.oneof(
      fc.constantFrom(...Array.from(ALPHABET)),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(aList, anId, fc.nat(31), aCharacter, async (list, id, index, character) => {
        const cursor = encodeCursor(list, id);
        fc.pre(cursor[index] !== character);
        const changed = `${cursor.slice(0, index)}${character}${cursor.slice(index + 1)}`;
        expect(decodeCursor(list, changed)).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it("is refused when it is cut or lengthened", async () => {
    await fc.assert(
      fc.asyncProperty(aList, anId, fc.nat(31), async (list, id, length) => {
        const cursor = encodeCursor(list, id);
        expect(decodeCursor(list, cursor.slice(0, length))).toBeNull();
        expect(decodeCursor(list, `${cursor}${cursor.slice(0, length + 1)}`)).toBeNull();
      }),
    );
  });

  it("is refused when it is any text, and never throws", async () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(...Array.from(ALPHABET)), minLength: 32, maxLength: 32 }),
    );
    await fc.assert(
      fc.asyncProperty(aList, anyText, async (list, text) => {
        expect(decodeCursor(list, text)).toBeNull();
      }),
    );
  });

  it("is one for one place, so that a page has one address", async () => {
    const id = "01900000-0000-7000-8000-000000000000" as UserId;
    expect(encodeCursor("users", id)).toBe(encodeCursor("users", id));
  });

  it("is refused in base64 of the other alphabet", async () => {
    const id = "ffffffff-ffff-7fff-bfff-ffffffffffff" as UserId;
    const cursor = encodeCursor("users", id);
    const other = cursor.replaceAll("-", "+").replaceAll("_", "/");
    expect(other).not.toBe(cursor);
    expect(decodeCursor("users", other)).toBeNull();
  });
});
