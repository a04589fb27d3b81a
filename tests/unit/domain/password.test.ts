import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { parsePassword } from "../../../src/domain/user/password.ts";

describe("parsePassword", () => {
  it.each([
    ["8 characters", "a".repeat(8)],
    ["1,024 characters", "a".repeat(1_024)],
    ["8 characters outside the Basic Multilingual Plane", "😀".repeat(8)],
    ["1,024 characters outside the Basic Multilingual Plane", "😀".repeat(1_024)],
    ["white space at both ends", "  pass  "],
    ["only white space", " ".repeat(8)],
    ["a newline at the end", "password\n"],
    ["control characters", "\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u007f"],
    ["letters of any script", "пароль-密码-🔑"],
    ["compatibility forms", "ｐａｓｓｗｏｒｄ"],
  ])("keeps %s as written", (_case, raw) => {
    expect(parsePassword(raw)._unsafeUnwrap()).toBe(raw);
  });

  it.each([
    ["an empty text", ""],
    ["7 characters", "a".repeat(7)],
    ["7 characters of two code units each", "😀".repeat(7)],
    ["8 code points that compose to 7", "caf\u0065\u0301xyz"],
  ])("rejects %s as too short", (_case, raw) => {
    expect(parsePassword(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "too_short", limit: 8 });
  });

  it.each([
    ["1,025 characters", "a".repeat(1_025)],
    ["1,025 characters of two code units each", "😀".repeat(1_025)],
  ])("rejects %s as too long", (_case, raw) => {
    expect(parsePassword(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "too_long", limit: 1_024 });
  });

  it.each([
    ["combining marks in two orders", `a${"\u0300".repeat(16_200)}${"\u0316".repeat(16_200)}`],
    ["4,097 code units that compose to fewer", `${"\u1f82".normalize("NFD").repeat(1_024)}a`],
  ])("rejects %s before the composition, which takes quadratic time", (_case, raw) => {
    const normalize = vi.spyOn(String.prototype, "normalize");
    try {
      expect(parsePassword(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "too_long", limit: 1_024 });
      expect(normalize).not.toHaveBeenCalled();
    } finally {
      normalize.mockRestore();
    }
  });

  it("returns the same password for a composed and a decomposed accent", () => {
    expect(parsePassword("crème brûlée".normalize("NFD"))).toEqual(parsePassword("crème brûlée".normalize("NFC")));
  });

  it("counts the characters of the composed form", () => {
    for (const letter of ["é", "각", "\u1f82"]) {
      const composed = letter.repeat(1_024);
      expect(parsePassword(composed.normalize("NFD"))._unsafeUnwrap()).toBe(composed);
    }
  });

  it("changes nothing but the composition", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 8 }), (raw) => {
        const parsed = parsePassword(raw);
        if (parsed.isOk()) expect(parsed.value).toBe(raw.normalize("NFC"));
      }),
    );
  });
});
