import type { Result } from "neverthrow";
import type { Branded } from "./branded.ts";
import { textOfLength } from "./text.ts";
import type { Violation } from "./violation.ts";

/** A password in the clear: 8 to 1,024 characters of any script, never trimmed, never stored. */
export type Password = Branded<string, "Password">;

/** A password as it is stored: a PHC string, which names its algorithm and parameters beside salt and hash. */
export type PasswordHash = Branded<string, "PasswordHash">;

export const PASSWORD_MIN_LENGTH = 8;
export const PASSWORD_MAX_LENGTH = 1_024;

/**
 * Reads a password in the composed form that RFC 8265 (4.2.2) asks for, so that `é` typed on two keyboards is one
 * password.
 */
export function parsePassword(raw: string): Result<Password, Violation> {
  return textOfLength(raw.normalize("NFC"), PASSWORD_MIN_LENGTH, PASSWORD_MAX_LENGTH).map((text) => text as Password);
}
