import { domainToASCII, domainToUnicode } from "node:url";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  emailKey,
  isStoredEmail,
  parseEmailAddress,
  type EmailAddress,
} from "../../../src/domain/user/email-address.ts";
import { email } from "../../../src/testing/fixtures.ts";

const AT_EXAMPLE = "@example.org";

describe("parseEmailAddress", () => {
  it.each([
    "a@b.co",
    "Ada.Lovelace+quire@Example.org",
    "o'brien@example.co.uk",
    "x!#$%&'*+-/=?^_`{|}~@example.org",
    "1@2.example",
    "a@xn--bcher-kva.example",
    "a@a-b.example",
    "jörg@bücher.example",
    "jo\u0308rg@bu\u0308cher.example",
    "用户@例子.广告",
    "θσερ@εχαμπλε.ψομ",
    "अजय@डाटा.भारत",
    "коля@пример.рф",
    "😀@example.org",
    `a@${"b".repeat(63)}.org`,
    `${"a".repeat(254 - AT_EXAMPLE.length)}${AT_EXAMPLE}`,
    `${"😀".repeat(254 - AT_EXAMPLE.length)}${AT_EXAMPLE}`,
  ])("keeps %s as written", (raw) => {
    expect(parseEmailAddress(raw)._unsafeUnwrap()).toBe(raw);
  });

  it.each([
    ["an empty text", ""],
    ["a local part without a domain", "ada"],
    ["no local part", "@example.org"],
    ["no domain", "ada@"],
    ["a domain of one label", "ada@localhost"],
    ["two at signs", "ada@b@example.org"],
    ["white space inside", "ada l@example.org"],
    ["a header after a newline", "ada@example.org\r\nBcc: b@example.org"],
    ["a dot before the local part", ".ada@example.org"],
    ["a dot after the local part", "ada.@example.org"],
    ["two dots in the local part", "ada..l@example.org"],
    ["a dot before the domain", "ada@.example.org"],
    ["a dot after the domain", "ada@example.org."],
    ["two dots in the domain", "ada@example..org"],
    ["a label that begins with a hyphen", "ada@-example.org"],
    ["a label that ends with a hyphen", "ada@example-.org"],
    ["an underscore in the domain", "ada@exa_mple.org"],
    ["a label of 64 characters", `ada@${"b".repeat(64)}.org`],
    ["a quoted local part", '"ada"@example.org'],
    ["an address literal", "ada@[127.0.0.1]"],
    ["a comment", "ada(home)@example.org"],
    ["a display name", "Ada <ada@example.org>"],
    ["two addresses", "ada@example.org,b@example.org"],
    ["a backslash", "ada\\l@example.org"],
    ["an emoji in the domain", "ada@😀.org"],
    ["a no-break space", "ada\u00a0l@example.org"],
    ["a right-to-left override", "ada\u202el@example.org"],
    ["a full-width at sign", "ada＠example.org"],
  ])("rejects %s", (_case, raw) => {
    expect(parseEmailAddress(raw)._unsafeUnwrapErr()).toEqual({
      kind: "violation",
      code: "malformed_email",
      limit: null,
    });
  });

  it.each([
    ["255 characters", `${"a".repeat(255 - AT_EXAMPLE.length)}${AT_EXAMPLE}`],
    ["255 characters outside the Basic Multilingual Plane", `${"😀".repeat(255 - AT_EXAMPLE.length)}${AT_EXAMPLE}`],
    ["a million characters without a domain", "a".repeat(1_000_000)],
  ])("rejects %s as too long", (_case, raw) => {
    expect(parseEmailAddress(raw)._unsafeUnwrapErr()).toEqual({ kind: "violation", code: "too_long", limit: 254 });
  });

  it.each([
    ["a space after an address, which phones add", "ada@example.org "],
    ["a space before an address", " ada@example.org"],
    ["line ends and tabs around an address", "\r\n\tada@example.org\n"],
    ["a no-break and an ideographic space around an address", "\u00a0ada@example.org\u3000"],
    ["more white space than the maximum length of an address", `${" ".repeat(300)}ada@example.org`],
  ])("removes %s", (_case, raw) => {
    expect(parseEmailAddress(raw)._unsafeUnwrap()).toBe("ada@example.org");
  });

  it("accepts and keeps every address that RFC 5322 and RFC 5321 allow without quotes", () => {
    fc.assert(
      fc.property(fc.emailAddress(), (raw) => {
        expect(parseEmailAddress(raw)._unsafeUnwrap()).toBe(raw);
      }),
    );
  });
});

describe("isStoredEmail", () => {
  it("accepts 1 to 254 characters, also an address that the current rule rejects", () => {
    for (const text of ["a", "ada@localhost", "😀".repeat(254)]) expect(isStoredEmail(text)).toBe(true);
    for (const text of ["", "a".repeat(255)]) expect(isStoredEmail(text)).toBe(false);
  });
});

describe("emailKey", () => {
  it.each([
    ["case of ASCII", "ADA@Example.ORG", "ada@example.org"],
    ["case of other scripts", "КОЛЯ@ПРИМЕР.РФ", "коля@пример.рф"],
    ["composition", "jo\u0308rg@example.org", "j\u00f6rg@example.org"],
    ["case and composition", "JO\u0308RG@example.org", "j\u00f6rg@example.org"],
    ["order of combining marks", "q\u0323\u0307@example.org", "q\u0307\u0323@example.org"],
    ["full-width forms", "ａｄａ@example.org", "ada@example.org"],
    ["ligatures", "o\ufb03ce@example.org", "office@example.org"],
    ["the Kelvin sign", "\u212aelvin@example.org", "kelvin@example.org"],
    ["a dotted capital I", "\u0130@example.org", "i\u0307@example.org"],
    ["a capital sharp S", "stra\u1e9ee@example.org", "straße@example.org"],
    ["a capital sigma at the end of a word", "ΝΙΚΟΣ@example.gr", "νικος@example.gr"],
    ["a capital sigma and a small one at the end of a word", "ΝΙΚΟΣ@example.gr", "νικοσ@example.gr"],
    ["a capital sigma before a dot", "ΝΙΚΟΣ.Α@example.gr", "νικος.α@example.gr"],
    ["a U-label and its A-label", "a@bücher.example", "a@xn--bcher-kva.example"],
    ["a U-label and its A-label in capitals", "a@BÜCHER.example", "a@XN--BCHER-KVA.example"],
    ["a U-label and the A-label of several scripts", "a@例え.テスト", "a@xn--r8jz45g.xn--zckzah"],
    ["a sharp s in a domain and its A-label", "a@straße.de", "a@xn--strae-oqa.de"],
    ["a capital sharp s in a domain", "a@STRAẞE.de", "a@straße.de"],
    ["a final sigma in a domain and its A-label", "a@βόλος.com", "a@xn--nxasmm1c.com"],
    ["a variation selector in a domain", "a@b\ufe0fcd.example", "a@bcd.example"],
    ["a sharp s in a local part, which Unicode folds", "straße@example.org", "strasse@example.org"],
    ["a letter that is composed only in lower case", "J\u030c@example.org", "\u01f0@example.org"],
    ["a vowel that is composed only in lower case", "\u0399\u0308\u0301@example.gr", "\u0390@example.gr"],
  ])("is the same for two addresses that differ in %s", (_case, one, other) => {
    expect(emailKey(email(one))).toBe(emailKey(email(other)));
  });

  it.each([
    ["a letter", "ada@example.org", "ida@example.org"],
    ["an accent", "rené@example.org", "rene@example.org"],
    ["a tag", "ada+quire@example.org", "ada@example.org"],
    ["a dot", "a.da@example.org", "ada@example.org"],
    ["the domain", "ada@example.org", "ada@example.com"],
    ["a sharp s of the domain, which IDNA2008 keeps", "info@straße.de", "info@strasse.de"],
    ["a final sigma of the domain, which IDNA2008 keeps", "a@βόλος.com", "a@βόλοσ.com"],
    ["a dotless i, which Unicode does not fold", "mıke@example.org", "mike@example.org"],
    ["a dotless i of the domain", "a@mıke.org", "a@mike.org"],
    ["a dotted capital I", "MİKE@example.org", "mike@example.org"],
    ["letters of two scripts that look alike", "ada@example.org", "\u0430da@example.org"],
  ])("differs for two addresses that differ in %s", (_case, one, other) => {
    expect(emailKey(email(one))).not.toBe(emailKey(email(other)));
  });

  it.each([
    ["decodes to a control character", "a@xn--a.example"],
    ["decodes to a capital letter", "a@xn--cher-fna.example"],
    ["decodes to a decomposed letter", "a@xn--etat-vvc.example"],
    ["decodes to nothing", "a@xn--0.example"],
    ["has a hyphen before a text that decodes", "a@xn---p1ai.example"],
    ["ends in the middle of a number", "a@xn--zzzz9999.example"],
    ["decodes to a code point beyond Unicode", "a@xn--99999999.example"],
    ["has a letter beyond ASCII before its delimiter", "a@xn--bü-cher.example"],
    ["decodes to the two surrogates of a letter", "a@xn--jb9b09e.example"],
  ])("keeps an invalid A-label that %s", (_case, raw) => {
    expect(emailKey(email(raw))).toBe(raw.toLowerCase());
  });

  it("compares domains as Node does, by the table of UTS 46", () => {
    // Letters that every supported Node maps in the same way. Older tables map U+1E9E differently.
    const letter = fc.stringMatching(
      /^[a-zA-Zà-öø-ÿÀ-ÖØ-ÞāĒŐœŒα-ωΑ-Ωа-яА-Яא-תก-ฮあ-んア-ン一-三가-힣ﬁﬂ０-９Ａ-Ｚ]{1,12}$/u,
    );
    const label = letter.filter((text) => !/[0-9\u0130ẞ]/u.test(text) && domainToUnicode(`${text}.example`) !== "");
    fc.assert(
      fc.property(label, (text) => {
        const domain = `${text}.example`;
        const unicode = `a@${domainToUnicode(domain)}`;
        expect(emailKey(`a@${domain}` as EmailAddress)).toBe(unicode);
        expect(emailKey(`a@${domainToASCII(domain)}` as EmailAddress)).toBe(unicode);
      }),
    );
  });

  it("is the same for every composition and for the lower case of an address", () => {
    const letters = fc.stringMatching(/^[\p{L}\p{M}]{1,20}$/u);
    fc.assert(
      fc.property(letters, (local) => {
        const raw = `${local}@example.org`;
        const key = emailKey(email(raw));
        for (const form of [raw.normalize("NFC"), raw.normalize("NFD"), raw.toLowerCase()]) {
          expect(emailKey(email(form))).toBe(key);
        }
      }),
    );
  });
});
