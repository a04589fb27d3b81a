import type { Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import { textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/** A password in the clear: 8 to 1,024 characters of any script, never trimmed, never stored. */
export type Password = Branded<string, "Password">;

/** A password as it is stored: a PHC string, which names its algorithm and parameters beside salt and hash. */
export type PasswordHash = Branded<string, "PasswordHash">;

export const PASSWORD_MIN_LENGTH = 8;
export const PASSWORD_MAX_LENGTH = 1_024;

/**
 * In UTF-16 code units as they arrive, two of which a character beyond U+FFFF has. The length is bounded before the
 * characters are composed: that takes quadratic time for a run of combining marks, 2 ms for so many and 0.4 s for 64 KiB.
 */
const MAX_RAW_UNITS = 2 * PASSWORD_MAX_LENGTH;

/**
 * Reads a password in the composed form that RFC 8265 (4.2.2) asks for, so that `é` typed on two keyboards is one
 * password.
 */
export function parsePassword(raw: string): Result<Password, Violation> {
  if (raw.length > MAX_RAW_UNITS) return refuse("too_long", PASSWORD_MAX_LENGTH);
  return textOfLength(raw.normalize("NFC"), PASSWORD_MIN_LENGTH, PASSWORD_MAX_LENGTH).map((text) => text as Password);
}
