import { ok, type Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import { decodePunycode } from "./punycode.ts";
import { textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/** An address as its owner wrote it, trimmed, because phones add white space when they complete a word. */
export type EmailAddress = Branded<string, "EmailAddress">;

/** The form of an address in which addresses are compared. */
export type EmailKey = Branded<string, "EmailKey">;

/**
 * The maximum number of code points. For ASCII it is the limit of SMTP: a path of 256 octets, less its angle brackets (RFC 5321,
 * 4.5.3.1.3). SMTP counts octets of UTF-8, so mail servers may reject a long address of other scripts.
 */
export const MAX_EMAIL_LENGTH = 254;

// A dot-atom (RFC 5322, 3.2.3) extended to Unicode (RFC 6531, 3.3), with a domain of at least two labels.
const ATOM = String.raw`[\p{L}\p{M}\p{N}!#$%&'*+\-/=?^_\x60{|}~\p{So}]+`;
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}\-]{0,61}[\p{L}\p{M}\p{N}])?`;
const EMAIL_FORM = new RegExp(String.raw`^${ATOM}(?:\.${ATOM})*@${LABEL}(?:\.${LABEL})+$`, "u");

/** Parses and trims an address. Fails with `too_long`, `malformed_email`, or an error of {@link textOfLength}. */
export function parseEmailAddress(raw: string): Result<EmailAddress, Violation> {
  return textOfLength(raw.trim(), 0, MAX_EMAIL_LENGTH).andThen((text) =>
    EMAIL_FORM.test(text) ? ok(text as EmailAddress) : refuse("malformed_email"),
  );
}

/** Whether a store may hold this as an address. An address that was accepted earlier stays valid when the rule changes. */
export function isStoredEmail(text: string): text is EmailAddress {
  return textOfLength(text, 1, MAX_EMAIL_LENGTH).isOk();
}

/**
 * Returns the same key for all spellings of an address. Local parts are compared without case and composition, domains as
 * IDNA2008 does. The key depends only on Unicode properties that are stable for assigned characters, so a stored key stays
 * valid on every later runtime.
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
 * Full case folding of one character, by the methods of JavaScript: lower case, upper case and lower case again. It takes
 * single characters, because the lower case of a sigma depends on its position in a word. CaseFolding.txt does not fold
 * U+0131, the dotless i, although its upper case is I.
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
  // A label that does not decode to a valid U-label is its own key (UTS 46, 4.1).
  return decoded !== null && isULabel(decoded) ? decoded : mapped;
}

function isULabel(label: string): boolean {
  return /^[\p{L}\p{M}\p{N}-]+$/u.test(label) && mapLabel(label) === label;
}

/**
 * The non-transitional mapping of UTS 46 (4, step 1) for IDNA2008: NFKC, case folding, and no ignorable characters. It keeps
 * the sharp s and the small final sigma, because `straße.de` and `strasse.de` may have different owners.
 */
function mapLabel(label: string): string {
  const visible = label.normalize("NFKC").replaceAll(/\p{Default_Ignorable_Code_Point}/gu, "");
  return Array.from(visible, foldCaseOfDomain).join("").normalize("NFKC");
}

function foldCaseOfDomain(character: string): string {
  if (character === "ß" || character === "ẞ") return "ß";
  return character === "ς" ? character : foldCase(character);
}
