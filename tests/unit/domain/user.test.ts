import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UserId } from "../../../src/domain/shared/id.ts";
import type { PasswordHash } from "../../../src/domain/user/password.ts";
import {
  changeUser,
  isStoredName,
  newUser,
  parseUserName,
  ROLES,
  type UserChanges,
} from "../../../src/domain/user/user.ts";
import { aUser, email, LATER, name, nextId, NOW } from "../../../src/testing/fixtures.ts";

describe("parseUserName", () => {
  it.each([
    ["1 character", "A"],
    ["100 characters", "a".repeat(100)],
    ["100 characters outside the Basic Multilingual Plane", "😀".repeat(100)],
    ["white space inside", "Ada  King"],
    ["letters of any script", "अजय 用户 Коля"],
    ["decomposed letters", "Jo\u0308rg"],
  ])("keeps %s as written", (_case, raw) => {
    expect(parseUserName(raw)._unsafeUnwrap()).toBe(raw);
  });

  it.each([
    ["spaces", "  Ada  "],
    ["tabs and line ends", "\t\r\nAda\n"],
    ["no-break spaces", "\u00a0Ada\u00a0"],
    ["ideographic spaces", "\u3000Ada\u3000"],
  ])("trims %s", (_case, raw) => {
    expect(parseUserName(raw)._unsafeUnwrap()).toBe("Ada");
  });

  it("counts characters after trimming", () => {
    expect(parseUserName(` ${"a".repeat(100)} `)._unsafeUnwrap()).toBe("a".repeat(100));
  });

  it.each([
    ["an empty text", ""],
    ["only white space", " \t\n\u00a0\u3000"],
  ])("rejects %s as too short", (_case, raw) => {
    expect(parseUserName(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "too_short", limit: 1 });
  });

  it.each([
    ["101 characters", "a".repeat(101)],
    ["101 characters of two code units each", "😀".repeat(101)],
  ])("rejects %s as too long", (_case, raw) => {
    expect(parseUserName(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "too_long", limit: 100 });
  });

  it.each([
    ["a line feed inside", "Ada\nKing", "control_character"],
    ["a bell", "Ada\u0007", "control_character"],
    ["a right-to-left override", "\u202egnp.exe", "bidirectional_control"],
    ["a zero-width space alone", "\u200b", "blank"],
    ["a Hangul filler alone", "\u3164", "blank"],
    ["a soft hyphen alone", "\u00ad", "blank"],
  ])("rejects %s", (_case, raw, code) => {
    expect(parseUserName(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code, limit: null });
  });

  it("returns 1 to 100 characters without white space at either end", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), (raw) => {
        const parsed = parseUserName(raw);
        if (parsed.isErr()) return;
        expect(parsed.value).toBe(raw.trim());
        const { length } = Array.from(parsed.value);
        expect(length).toBeGreaterThanOrEqual(1);
        expect(length).toBeLessThanOrEqual(100);
      }),
    );
  });
});

describe("isStoredName", () => {
  it("accepts 1 to 100 characters, also a name that the current rule rejects", () => {
    for (const text of ["A", " ", "😀".repeat(100)]) expect(isStoredName(text)).toBe(true);
    for (const text of ["", "a".repeat(101)]) expect(isStoredName(text)).toBe(false);
  });
});

describe("newUser", () => {
  it.each(ROLES)("returns an %s with the first version, created and updated now", (role) => {
    const fields = {
      id: nextId<UserId>(),
      name: name("Ada"),
      email: email("Ada@example.org"),
      passwordHash: "$hash$" as PasswordHash,
      role,
    };
    expect(newUser(fields, NOW)).toEqual({ ...fields, version: 1, createdAt: NOW, updatedAt: NOW });
  });
});

describe("changeUser", () => {
  const changes: [string, UserChanges][] = [
    ["name", { name: name("Grace") }],
    ["e-mail address", { email: email("grace@example.org") }],
    ["role", { role: "admin" }],
    ["password hash", { passwordHash: "$other$" as PasswordHash }],
    [
      "everything",
      { name: name("G"), email: email("g@example.org"), role: "admin", passwordHash: "$g$" as PasswordHash },
    ],
  ];

  it.each(changes)("changes only the %s, increments the version, and sets the update time", (_case, change) => {
    const user = Object.freeze(aUser());
    expect(changeUser(user, change, LATER)).toEqual({ ...user, ...change, version: 2, updatedAt: LATER });
  });

  it("treats an address in another case as a change", () => {
    const user = aUser({ email: email("ada@example.org") });
    expect(changeUser(user, { email: email("Ada@example.org") }, LATER)).toMatchObject({
      email: "Ada@example.org",
      version: 2,
    });
  });

  it("returns the same object for an empty change", () => {
    const user = aUser();
    expect(changeUser(user, {}, LATER)).toBe(user);
  });

  it("returns the same object when every new value equals the current one", () => {
    const user = aUser();
    const { name: sameName, email: sameEmail, role, passwordHash } = user;
    expect(changeUser(user, { name: sameName, email: sameEmail, role, passwordHash }, LATER)).toBe(user);
  });

  it("increments the version by one for every effective change, and never otherwise", () => {
    const change = fc.record(
      {
        name: fc.constantFrom(name("Ada"), name("Grace")),
        email: fc.constantFrom(email("ada@example.org"), email("ADA@example.org")),
        role: fc.constantFrom(...ROLES),
        passwordHash: fc.constantFrom("$1$" as PasswordHash, "$2$" as PasswordHash),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(change), (sequence) => {
        let user = aUser();
        for (const [i, step] of sequence.entries()) {
          const now = new Date(NOW.getTime() + i);
          const changed = changeUser(user, step, now);
          const effective = Object.entries(step).some(([key, value]) => user[key as keyof typeof step] !== value);
          if (!effective) expect(changed).toBe(user);
          else expect(changed).toEqual({ ...user, ...step, version: user.version + 1, updatedAt: now });
          user = changed;
        }
      }),
    );
  });
});
