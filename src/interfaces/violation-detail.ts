import type { Violation, ViolationCode } from "../domain/shared/violation.ts";

const DETAILS: Readonly<Record<ViolationCode, (limit: number | null) => string>> = {
  too_short: (limit) => `This must have at least ${characters(limit)}.`,
  without_words: () => "Give at least one word to search for, with a letter or a digit.",
  too_many_terms: (limit) => `This must have at most ${limit} words. Leave out the less important ones.`,
  too_long: (limit) => `This must have at most ${characters(limit)}.`,
  too_many_bytes: (limit) => `This must have at most ${limit} bytes as UTF-8.`,
  blank: () => "This must not be blank. Add a visible character.",
  nul_character: () => "This contains the NUL character (U+0000), which cannot be stored. Remove it.",
  lone_surrogate: () => "This contains a lone surrogate, which is half of a character. Remove or complete it.",
  byte_order_mark: () => "This begins with a byte order mark (U+FEFF). Remove it.",
  control_character: () =>
    "This contains a control character. Remove it. Only the content of a post may have tabs, line feeds and carriage returns.",
  bidirectional_control: () =>
    "This contains a bidirectional control character (U+202A to U+202E, U+2066 to U+2069). Remove it. The marks U+200E and U+200F are allowed.",
  malformed_email: () => "This must be an e-mail address, such as ada@example.org.",
  malformed_id: () => "This must be a UUID.",
};

/** Describes a wrong value for a person, and how to correct it. */
export function violationDetail({ code, limit }: Violation): string {
  return DETAILS[code](limit);
}

function characters(limit: number | null): string {
  return limit === 1 ? "1 character" : `${limit} characters`;
}
