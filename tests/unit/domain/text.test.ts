import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEmailAddress } from "../../../src/domain/user/email-address.ts";
import { parseId } from "../../../src/domain/shared/id.ts";
import { parsePassword } from "../../../src/domain/user/password.ts";
import { parsePostContent, parsePostTitle } from "../../../src/domain/post/post.ts";
import {
  jsonByteLength,
  MAX_JSON_BYTES_PER_UNIT,
  multilineText,
  singleLineText,
  storableText,
  textOfLength,
  utf8ByteLength,
} from "../../../src/domain/shared/text.ts";
import { parseUserName } from "../../../src/domain/user/user.ts";

/** Any sequence of UTF-16 code units, lone surrogates among them. */
const utf16 = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0xd800, max: 0xdfff })))
  .map((units) => String.fromCharCode(...units));

/** Any well-formed string of code points of every length in UTF-8. */
const wellFormed = fc.string({ unit: "binary" });

const parsers = [
  ["storableText", storableText],
  ["parseUserName", parseUserName],
  ["parseEmailAddress", parseEmailAddress],
  ["parsePassword", parsePassword],
  ["parsePostTitle", parsePostTitle],
  ["parsePostContent", parsePostContent],
] as const;

describe.each(parsers)("%s", (_, parse) => {
  it("accepts the text from which the refused texts below are made", () => {
    expect(parse("long.enough@example.org").isOk()).toBe(true);
  });

  it.each([
    ["a NUL at the start", "\0long.enough@example.org"],
    ["a NUL inside", "long\0enough@example.org"],
    ["a NUL at the end", "long.enough@example.org\0"],
    ["a NUL beside a lone surrogate", "long\ud800\0enough@example.org"],
  ])("rejects %s", (_case, raw) => {
    expect(parse(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "nul_character", limit: null });
  });

  it.each([
    ["a high surrogate alone", "long\ud83denough@example.org"],
    ["a low surrogate alone", "long\ude00enough@example.org"],
    ["a surrogate pair in the wrong order", "long\ude00\ud83denough@example.org"],
    ["a high surrogate before a pair", "long\ud83d\ud83d\ude00enough@example.org"],
    ["a high surrogate at the end", "long.enough@example.org\ud83d"],
    ["a low surrogate at the start", "\ude00long.enough@example.org"],
  ])("rejects %s", (_case, raw) => {
    expect(parse(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "lone_surrogate", limit: null });
  });

  it("never accepts text that PostgreSQL could not return unchanged", () => {
    fc.assert(
      fc.property(utf16, (raw) => {
        const parsed = parse(raw);
        if (parsed.isErr()) return;
        expect(Buffer.from(parsed.value, "utf8").toString("utf8")).toBe(parsed.value);
        expect(parsed.value).not.toContain("\0");
      }),
    );
  });

  it("accepts its own results and returns them unchanged", () => {
    fc.assert(
      fc.property(fc.oneof(wellFormed, fc.emailAddress(), fc.string({ unit: "grapheme", minLength: 8 })), (raw) => {
        const first = parse(raw);
        if (first.isErr()) return;
        expect(parse(first.value)._unsafeUnwrap()).toBe(first.value);
      }),
    );
  });
});

describe("storableText", () => {
  it.each([
    ["an empty text", ""],
    ["control characters other than NUL", "\u0001\t\r\n\u001b\u007f\u0085"],
    ["right-to-left text with its marks", "\u200fשלום\u202e"],
    ["characters outside the Basic Multilingual Plane", "😀𝒜𠜎"],
    ["noncharacters", "\uffff\ufffe\u{10ffff}"],
    ["decomposed text", "e\u0301"],
    ["white space at both ends", "  x\n"],
  ])("keeps %s as written", (_case, raw) => {
    expect(storableText(raw)._unsafeUnwrap()).toBe(raw);
  });
});

describe("textOfLength", () => {
  it.each([
    ["a", 1],
    ["é", 1],
    ["e\u0301", 2],
    ["€", 1],
    ["😀", 1],
    ["👩‍👩‍👧", 5],
  ])("counts %j as %i characters", (text, length) => {
    expect(textOfLength(text, length, length).isOk()).toBe(true);
    expect(textOfLength(text, length + 1, 9)._unsafeUnwrapErr()).toMatchObject({
      code: "too_short",
      limit: length + 1,
    });
    expect(textOfLength(text, 0, length - 1)._unsafeUnwrapErr()).toMatchObject({ code: "too_long", limit: length - 1 });
  });

  it("counts code points", () => {
    fc.assert(
      fc.property(
        wellFormed.filter((text) => !text.includes("\0")),
        (text) => {
          const { length } = Array.from(text);
          expect(textOfLength(text, length, length)._unsafeUnwrap()).toBe(text);
          expect(textOfLength(text, length + 1, length + 1)._unsafeUnwrapErr().code).toBe("too_short");
          expect(textOfLength(text, -1, length - 1)._unsafeUnwrapErr().code).toBe("too_long");
        },
      ),
    );
  });
});

const codePoints = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const CONTROL_CHARACTERS = [...codePoints(0x01, 0x1f), ...codePoints(0x7f, 0x9f)].map((c) => String.fromCodePoint(c));

describe("multilineText", () => {
  it("keeps tab, line feed and carriage return, and rejects every other control character", () => {
    const kept = CONTROL_CHARACTERS.filter((control) => {
      const read = multilineText(`a${control}b`);
      if (read.isErr()) expect(read.error).toEqual({ kind: "violation", code: "control_character", limit: null });
      return read.isOk();
    });
    expect(kept).toEqual(["\t", "\n", "\r"]);
  });

  it.each([
    ["an empty text", ""],
    ["separators of lines and paragraphs", "a\u2028b\u2029c"],
    ["right-to-left text with marks and embeddings", "\u200fשלום\u202aabc\u202c"],
    ["joiners", "👩\u200d👩\u200d👧 क्\u200dष"],
  ])("keeps %s", (_case, raw) => {
    expect(multilineText(raw)._unsafeUnwrap()).toBe(raw);
  });
});

describe("singleLineText", () => {
  const read = (raw: string) => singleLineText(raw, 1, 20);

  it.each(CONTROL_CHARACTERS.map((c) => [c]))("rejects the control character %j", (control) => {
    expect(read(`a${control}b`)._unsafeUnwrapErr().code).toBe("control_character");
  });

  it.each([...codePoints(0x202a, 0x202e), ...codePoints(0x2066, 0x2069)].map((c) => [c.toString(16), c] as const))(
    "rejects U+%s, which changes the direction of text",
    (_, codePoint) => {
      expect(read(`a${String.fromCodePoint(codePoint)}b`)._unsafeUnwrapErr().code).toBe("bidirectional_control");
    },
  );

  it.each([
    ["a space", " "],
    ["an ideographic space", "\u3000"],
    ["a zero-width space", "\u200b"],
    ["a zero-width joiner", "\u200d"],
    ["a soft hyphen", "\u00ad"],
    ["a byte order mark after a space", " \ufeff"],
    ["a word joiner", "\u2060"],
    ["a combining grapheme joiner", "\u034f"],
    ["a variation selector", "\ufe0f"],
    ["a Hangul filler", "\u3164"],
    ["a half-width Hangul filler", "\uffa0"],
    ["the fillers of a Hangul syllable", "\u115f\u1160"],
    ["a Braille pattern without a dot", "\u2800"],
    ["a tag character", "\u{e0041}"],
    ["a left-to-right mark", "\u200e"],
    ["all of them", " \u200b\u00ad\u3164\u2800\u115f"],
  ])("rejects a text of %s alone, which is invisible", (_case, raw) => {
    expect(read(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "blank", limit: null });
  });

  it.each([
    ["a letter", "a"],
    ["a digit", "7"],
    ["punctuation", "…"],
    ["a combining mark", "\u0301"],
    ["an emoji of several characters", "👩🏽\u200d🚀"],
    ["a symbol with a variation selector", "❤\ufe0f"],
    ["right-to-left text with its marks", "\u200fשלום\u200e"],
    ["Persian with a zero-width non-joiner", "می\u200cخواهم"],
    ["Hangul with a filler", "\u115fᅡ"],
    ["a character for private use", "\ue000"],
    ["a character that is not assigned yet", "\u{1faff}"],
  ])("keeps %s", (_case, raw) => {
    expect(read(raw)._unsafeUnwrap()).toBe(raw);
  });
});

describe("jsonByteLength", () => {
  it("equals the length of the output of JSON.stringify for every character up to U+FFFF", () => {
    const isSurrogate = (unit: number) => unit >= 0xd800 && unit <= 0xdfff;
    for (const unit of codePoints(0, 0xffff)) {
      const text = String.fromCharCode(unit);
      if (isSurrogate(unit)) continue;
      const bytes = Buffer.byteLength(JSON.stringify(text)) - 2;
      if (jsonByteLength(text) !== bytes) expect([unit, jsonByteLength(text)]).toEqual([unit, bytes]);
      expect(bytes <= MAX_JSON_BYTES_PER_UNIT).toBe(true);
    }
  });

  it("equals the length of the output of JSON.stringify for every well-formed text", () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        expect(jsonByteLength(text)).toBe(Buffer.byteLength(JSON.stringify(text)) - 2);
      }),
    );
  });
});

describe("utf8ByteLength", () => {
  it.each([
    ["", 0],
    ["\u007f", 1],
    ["\u0080", 2],
    ["\u07ff", 2],
    ["\u0800", 3],
    ["\ud7ff", 3],
    ["\ue000", 3],
    ["\uffff", 3],
    ["\u{10000}", 4],
    ["\u{10ffff}", 4],
    ["a€😀é", 10],
  ])("counts %j as %i bytes", (text, bytes) => {
    expect(utf8ByteLength(text)).toBe(bytes);
  });

  it("equals the length of the encoded text for every well-formed text", () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        expect(utf8ByteLength(text)).toBe(Buffer.byteLength(text, "utf8"));
      }),
    );
  });
});

describe("parseId", () => {
  it.each([
    ["version 7", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d"],
    ["version 4", "9b2e4c1a-3f5d-4e6b-8a7c-1d2e3f4a5b6c"],
    ["no version", "00000000-0000-0000-0000-000000000000"],
    ["the highest value", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
  ])("accepts a UUID with %s", (_case, raw) => {
    expect(parseId(raw)._unsafeUnwrap()).toBe(raw);
  });

  it("returns lower case for upper case", () => {
    expect(parseId("0195F2C4-7A10-7C3E-9D2B-6F1E5A4B3C2D")._unsafeUnwrap()).toBe(
      "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d",
    );
  });

  it.each([
    ["an empty text", ""],
    ["a word", "posts"],
    ["no hyphens", "0195f2c47a107c3e9d2b6f1e5a4b3c2d"],
    ["braces", "{0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d}"],
    ["a URN", "urn:uuid:0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d"],
    ["one digit too few", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2"],
    ["one digit too many", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d0"],
    ["hyphens in other places", "0195f2c47-a10-7c3e-9d2b-6f1e5a4b3c2d"],
    ["a letter that is no digit", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2g"],
    ["white space before a UUID", " 0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d"],
    ["a newline after a UUID", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d\n"],
    ["digits of another script", "٠195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d"],
    ["a NUL after a UUID", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d\0"],
    ["a lone surrogate after a UUID", "0195f2c4-7a10-7c3e-9d2b-6f1e5a4b3c2d\ud800"],
  ])("rejects %s", (_case, raw) => {
    expect(parseId(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "malformed_id", limit: null });
  });

  it("accepts every UUID in upper and in lower case", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.boolean(), (uuid, upper) => {
        expect(parseId(upper ? uuid.toUpperCase() : uuid)._unsafeUnwrap()).toBe(uuid);
      }),
    );
  });
});
