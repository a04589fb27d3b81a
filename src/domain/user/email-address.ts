import { ok, type Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import { decodePunycode } from "./punycode.ts";
import { textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/** An address as its owner wrote it, without the white space around it, which phones add when they complete a word. */
export type EmailAddress = Branded<string, "EmailAddress">;

/** An address as addresses are compared. */
export type EmailKey = Branded<string, "EmailKey">;

export const EMAIL_MAX_LENGTH = 254; // RFC 5321, 4.5.3.1.3: a path of 256 octets, less its angle brackets.

// A dot-atom (RFC 5322, 3.2.3) opened to Unicode (RFC 6531, 3.3), at a domain of at least two labels.
const ATOM = String.raw`[\p{L}\p{M}\p{N}!#$%&'*+\-/=?^_\x60{|}~\p{So}]+`;
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}\-]{0,61}[\p{L}\p{M}\p{N}])?`;
const EMAIL_FORM = new RegExp(String.raw`^${ATOM}(?:\.${ATOM})*@${LABEL}(?:\.${LABEL})+$`, "u");

/** Reads an address, trims it and keeps it as written. Fails with `too_long`, `malformed_email` or what no text may hold. */
export function parseEmailAddress(raw: string): Result<EmailAddress, Violation> {
  return textOfLength(raw.trim(), 0, EMAIL_MAX_LENGTH).andThen((text) =>
    EMAIL_FORM.test(text) ? ok(text as EmailAddress) : refuse("malformed_email"),
  );
}

/** Whether a store may hold this as an address. One that was accepted earlier stays valid when the rule changes. */
export function isStoredEmail(text: string): text is EmailAddress {
  return textOfLength(text, 1, EMAIL_MAX_LENGTH).isOk();
}

/**
 * One key for the addresses of one mailbox, as far as that is defined: local parts are compared without case and
 * composition, domains as IDNA2008 compares them. All of it comes from Unicode's properties, which JavaScript has and
 * which do not change for a character that is assigned: so a stored key holds on every later runtime.
 */
export function emailKey(email: EmailAddress): EmailKey {
  const at = email.lastIndexOf("@");
  const labels = email.slice(at + 1).split(".");
  return `${caselessKey(email.slice(0, at))}@${labels.map(labelKey).join(".")}` as EmailKey;
}

/** Compatibility caseless matching (Unicode 16, 3.13.5). */
function caselessKey(text: string): string {
  return Array.from(text.normalize("NFKC"), foldCase).join("").normalize("NFKC");
}

/**
 * Full case folding of a character, by what JavaScript has: lower case, upper case and back. One by one, as in a word the
 * lower case of a sigma depends on where it stands. CaseFolding.txt leaves U+0131, the i without a dot, as it is, though
 * its upper case is I.
 */
function foldCase(character: string): string {
  return character === "ı" ? character : character.toLowerCase().toUpperCase().toLowerCase();
}

const A_LABEL_PREFIX = "xn--"; // RFC 5890, 2.3.2.1.

/** A label of a domain in Unicode, so that a U-label and its A-label have one key (RFC 5890, 2.3.2.4). */
function labelKey(label: string): string {
  const mapped = mapLabel(label);
  if (!mapped.startsWith(A_LABEL_PREFIX)) return mapped;
  const decoded = decodePunycode(mapped.slice(A_LABEL_PREFIX.length));
  // What decodes to no label that could be written so stands for itself (UTS 46, 4.1).
  return decoded !== null && isULabel(decoded) ? decoded : mapped;
}

function isULabel(label: string): boolean {
  return /^[\p{L}\p{M}\p{N}-]+$/u.test(label) && mapLabel(label) === label;
}

/**
 * The mapping of UTS 46 (4, step 1) by IDNA2008, non-transitional: NFKC and case folding without what is ignorable, but the
 * sharp s and the small final sigma are letters of their own. `straße.de` and `strasse.de` have two owners.
 */
function mapLabel(label: string): string {
  const visible = label.normalize("NFKC").replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
  return Array.from(visible, foldCaseOfDomain).join("").normalize("NFKC");
}

function foldCaseOfDomain(character: string): string {
  if (character === "ß" || character === "ẞ") return "ß";
  return character === "ς" ? character : foldCase(character);
}
