import { ok, type Result } from "neverthrow";
import type { Branded } from "./branded.ts";
import { textOfLength } from "./text.ts";
import { refuse, type Violation } from "./violation.ts";

/** An address as its owner wrote it. */
export type EmailAddress = Branded<string, "EmailAddress">;

/** An address as addresses are compared: two that differ in case or in Unicode composition have one key. */
export type EmailKey = Branded<string, "EmailKey">;

export const EMAIL_MAX_LENGTH = 254; // RFC 5321, 4.5.3.1.3: a path of 256 octets, less its angle brackets.

// A dot-atom (RFC 5322, 3.2.3) opened to Unicode (RFC 6531, 3.3), at a domain of at least two labels.
const ATOM = String.raw`[\p{L}\p{M}\p{N}!#$%&'*+\-/=?^_\x60{|}~\p{So}]+`;
const LABEL = String.raw`[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}\-]{0,61}[\p{L}\p{M}\p{N}])?`;
const EMAIL_FORM = new RegExp(String.raw`^${ATOM}(?:\.${ATOM})*@${LABEL}(?:\.${LABEL})+$`, "u");

/** Reads an address and keeps it as written. Fails with `too_long`, `malformed_email` or what no text may hold. */
export function parseEmailAddress(raw: string): Result<EmailAddress, Violation> {
  return textOfLength(raw, 0, EMAIL_MAX_LENGTH).andThen((text) =>
    EMAIL_FORM.test(text) ? ok(text as EmailAddress) : refuse("malformed_email"),
  );
}

/**
 * Compatibility caseless matching (Unicode 16, 3.13.5) with what JavaScript has: folding is lower case, upper
 * case and back, which leaves the two small sigmas alone to be told apart, and recomposition after it.
 */
export function emailKey(email: EmailAddress): EmailKey {
  const folded = email.normalize("NFKC").toLowerCase().toUpperCase().toLowerCase().replaceAll("ς", "σ");
  return folded.normalize("NFKC") as EmailKey;
}
