import type { Violation, ViolationCode } from "../domain/shared/violation.ts";

const DETAILS: Readonly<Record<ViolationCode, (limit: number | null) => string>> = {
  too_short: (limit) => `This must have at least ${characters(limit)}.`,
  without_words: () => "This must have a word to search for: a letter or a digit.",
  too_long: (limit) => `This must have at most ${characters(limit)}.`,
  too_many_bytes: (limit) => `This must have at most ${limit} bytes as UTF-8.`,
  blank: () => "This must have something visible: white space and invisible characters alone are not enough.",
  nul_character: () => "This must not contain U+0000, which PostgreSQL cannot store. Remove it.",
  lone_surrogate: () => "This contains half of a surrogate pair, which is no character. Remove or complete it.",
  byte_order_mark: () => "This begins with U+FEFF, a byte order mark, which belongs to no text. Remove it.",
  control_character: () =>
    "This contains a control character. Remove it; tab, line feed and carriage return may stand in the content of a post, and nowhere else.",
  bidirectional_control: () =>
    "This contains a character that turns the direction of text (U+202A to U+202E, U+2066 to U+2069). Remove it; the marks U+200E and U+200F may stay.",
  malformed_email: () => "This must be an e-mail address, such as ada@example.org.",
  malformed_id: () => "This must be a UUID.",
};

/** Says to a person what is wrong with a value, and so what to do. */
export function violationDetail({ code, limit }: Violation): string {
  return DETAILS[code](limit);
}

function characters(limit: number | null): string {
  return limit === 1 ? "1 character" : `${limit} characters`;
}
