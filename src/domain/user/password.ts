import type { Result } from "neverthrow";
import type { Branded } from "../shared/branded.ts";
import { textOfLength } from "../shared/text.ts";
import { refuse, type Violation } from "../shared/violation.ts";

/** A password in the clear: 8 to 1,024 characters of any script, never trimmed, never stored. */
export type Password = Branded<string, "Password">;

/** A stored password hash: a PHC string with algorithm, parameters, salt and hash. */
export type PasswordHash = Branded<string, "PasswordHash">;

export const MIN_PASSWORD_LENGTH = 8;
export const MAX_PASSWORD_LENGTH = 1_024;

/**
 * In UTF-16 code units. A composed character is decomposed into at most four of them (U+1F82), apart from four characters of
 * Gurung Khema and Kirat Rai with six. The length is checked before the Unicode composition, which takes quadratic time for a
 * run of combining marks: 8 ms for this maximum, and 0.4 s for 64 KiB.
 */
const MAX_RAW_UNITS = 4 * MAX_PASSWORD_LENGTH;

/**
 * Parses a password into the composed form (RFC 8265, 4.2.2), so that an `é` from any keyboard gives the same password.
 */
export function parsePassword(raw: string): Result<Password, Violation> {
  if (raw.length > MAX_RAW_UNITS) return refuse("too_long", MAX_PASSWORD_LENGTH);
  return textOfLength(raw.normalize("NFC"), MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH).map((text) => text as Password);
}
