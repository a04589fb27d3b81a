import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import { parsePostTitle } from "../../../src/domain/post/post.ts";
import { decodeCursor, encodeCursor } from "../../../src/interfaces/http/cursor.ts";
import { past } from "../../../src/testing/fixtures.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const aPosition = fc.record({
  direction: fc.constantFrom("forward" as const, "backward" as const),
  id: fc.uuid().map((id) => id as UserId),
  key: fc.option(
    fc.string({ unit: "binary", minLength: 1, maxLength: 300 }).filter((key) => parsePostTitle(key).isOk()),
  ),
});
const aList = fc.constantFrom("users", "posts", "sessions", "users/00000000-0000-7000-8000-000000000000/posts");

/** A cursor with this payload. Every client can make one, because the format is public. */
const forged = (payload: unknown): string => Buffer.from(JSON.stringify(payload)).toString("base64url");

describe("a cursor", () => {
  it("decodes to the position that was encoded for the same list", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPosition, async (list, position) => {
        expect(decodeCursor(list, encodeCursor(list, position))).toEqual(position);
      }),
    );
  });

  it("has only characters that need no escape in a URL", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPosition, async (list, position) => {
        const cursor = encodeCursor(list, position);
        expect(encodeURIComponent(cursor)).toBe(cursor);
      }),
    );
  });

  it("does not show the id", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPosition, async (list, position) => {
        const cursor = encodeCursor(list, position);
        expect(cursor).not.toContain(position.id);
        expect(cursor).not.toContain(position.id.replaceAll("-", ""));
      }),
    );
  });

  it("is rejected by every other list", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.string(), aPosition, async (list, other, position) => {
        fc.pre(list !== other);
        expect(decodeCursor(other, encodeCursor(list, position))).toBeNull();
      }),
    );
  });

  it("is rejected when a single character is altered", async () => {
    const aCharacter = fc.oneof(
      fc.constantFrom(...Array.from(ALPHABET)),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(aList, aPosition, fc.nat(), aCharacter, async (list, position, place, character) => {
        const cursor = encodeCursor(list, position);
        const index = place % cursor.length;
        fc.pre(cursor[index] !== character);
        const altered = `${cursor.slice(0, index)}${character}${cursor.slice(index + 1)}`;
        expect(decodeCursor(list, altered)).toBeNull();
      }),
      { numRuns: 1_000 },
    );
  });

  it("is rejected when it is truncated or extended", async () => {
    await fc.assert(
      fc.asyncProperty(aList, aPosition, fc.nat(31), async (list, position, length) => {
        const cursor = encodeCursor(list, position);
        expect(decodeCursor(list, cursor.slice(0, length))).toBeNull();
        expect(decodeCursor(list, `${cursor}${cursor.slice(0, length + 1)}`)).toBeNull();
      }),
    );
  });

  it("is rejected without an exception when it is any other text", async () => {
    const anyText = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: fc.constantFrom(...Array.from(ALPHABET)), maxLength: 200 }),
      fc.json().map((json) => Buffer.from(json).toString("base64url")),
    );
    await fc.assert(
      fc.asyncProperty(aList, anyText, async (list, text) => {
        expect(decodeCursor(list, text)).toBeNull();
      }),
    );
  });

  const ID = "01900000-0000-7000-8000-000000000000";
  it.each([
    ["an unknown direction", ["sideways", null, ID, "0123456789abcdef"]],
    ["a number as its sort key", ["forward", 1, ID, "0123456789abcdef"]],
    ["an object as its sort key", ["forward", { key: 1 }, ID, "0123456789abcdef"]],
    ["a number as its id", ["forward", null, 1, "0123456789abcdef"]],
    ["an id that is not a UUID", ["forward", null, "1", "0123456789abcdef"]],
    ["a wrong checksum", ["forward", null, ID, "0123456789abcdef"]],
    ["no checksum", ["forward", null, ID]],
    ["an object as its payload", { direction: "forward", key: null, id: ID }],
    ["null as its payload", null],
  ])("is rejected with %s", (_, payload) => {
    expect(decodeCursor("users", forged(payload))).toBeNull();
  });

  it("is the same text for the same position, so that a page has one URL", () => {
    const position = past(ID as UserId);
    expect(encodeCursor("users", position)).toBe(encodeCursor("users", position));
  });

  it("is rejected with additional white space in its payload", () => {
    const cursor = encodeCursor("users", past(ID as UserId));
    const payload = Buffer.from(cursor, "base64url").toString();
    expect(decodeCursor("users", Buffer.from(` ${payload}`).toString("base64url"))).toBeNull();
  });

  it("is rejected in the standard alphabet of base64", () => {
    const position = { direction: "forward" as const, id: ID as UserId, key: "???>>>~~~" };
    const cursor = encodeCursor("posts", position);
    const other = cursor.replaceAll("-", "+").replaceAll("_", "/");
    expect(other).not.toBe(cursor);
    expect(decodeCursor("posts", other)).toBeNull();
  });

  it("is at most 1,800 characters long for the longest title", () => {
    const position = { direction: "backward" as const, id: ID as UserId, key: "😀".repeat(300) };
    expect(decodeCursor("posts", encodeCursor("posts", position))).toEqual(position);
    expect(encodeCursor("posts", position).length).toBeLessThanOrEqual(1_800);
  });
});
