import type { Result } from "neverthrow";
import { fail } from "./fail.ts";

/** The reason why a raw value is refused. `limit` is in characters or bytes, as its code implies; `null` if none applies. */
export interface Violation {
  readonly kind: "violation";
  readonly code: ViolationCode;
  readonly limit: number | null;
}

export type ViolationCode =
  | "too_short"
  | "too_long"
  | "too_many_bytes"
  | "blank"
  | "nul_character"
  | "lone_surrogate"
  | "byte_order_mark"
  | "control_character"
  | "bidirectional_control"
  | "malformed_email"
  | "malformed_id"
  | "without_words"
  | "too_many_terms";

export function refuse(code: ViolationCode, limit: number | null = null): Result<never, Violation> {
  return fail({ kind: "violation", code, limit });
}
