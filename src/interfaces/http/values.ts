import type { Result } from "neverthrow";
import * as z from "zod";
import { MAX_EMAIL_LENGTH, parseEmailAddress } from "../../domain/user/email-address.ts";
import { parseId, type Id } from "../../domain/shared/id.ts";
import { parsePassword, MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH } from "../../domain/user/password.ts";
import { MAX_CONTENT_BYTES, parsePostContent, parsePostTitle, MAX_TITLE_LENGTH } from "../../domain/post/post.ts";
import { MAX_NAME_LENGTH, parseUserName } from "../../domain/user/user.ts";
import { MAX_QUERY_TERMS, parseSearchQuery, MAX_QUERY_LENGTH } from "../../domain/search/search-query.ts";
import type { Violation } from "../../domain/shared/violation.ts";

/**
 * The JSON Schema of a string. Its pattern uses only what every dialect of regular expressions supports (RFC 9485), as many
 * tools compile it without Unicode mode or look-ahead. The description has the rules that such a pattern cannot express.
 */
interface TextForm {
  readonly description: string;
  readonly examples: readonly string[];
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

export const nameText = text(parseUserName, {
  description: `1 to ${MAX_NAME_LENGTH} characters, at least one of them visible, without control and bidirectional control characters. Surrounding white space is removed.`,
  examples: ["Grace"],
  minLength: 1,
  maxLength: MAX_NAME_LENGTH,
});

export const emailText = text(parseEmailAddress, {
  description: `An address in ASCII or Unicode (RFC 6531) of at most ${MAX_EMAIL_LENGTH} characters. Surrounding white space is removed. Addresses are compared without case, and a domain in Unicode equals its ASCII form (IDNA2008).`,
  examples: ["grace@example.org"],
  format: "idn-email",
  maxLength: MAX_EMAIL_LENGTH,
});

export const passwordText = text(parsePassword, {
  description: "The length is counted after Unicode normalisation (NFC).",
  examples: ["correct horse battery staple"],
  format: "password",
  minLength: MIN_PASSWORD_LENGTH,
  maxLength: MAX_PASSWORD_LENGTH,
});

export const titleText = text(parsePostTitle, {
  description:
    "One line with at least one visible character, without control and bidirectional control characters. It is stored as written.",
  examples: ["Hello, world"],
  minLength: 1,
  maxLength: MAX_TITLE_LENGTH,
});

export const contentText = text(parsePostContent, {
  description: `At most ${MAX_CONTENT_BYTES} bytes of UTF-8, without control characters other than tab, line feed and carriage return. The content of a draft may be empty; that of a published post needs at least one visible character.`,
  examples: ["First words."],
  maxLength: MAX_CONTENT_BYTES,
});

export const searchText = text(parseSearchQuery, {
  description: `Words that a post must all have, in any case, with or without accents. The last one may be the beginning of a word. It supports \`"a phrase"\`, \`or\`, and \`-\` before a word that must be absent; without these, words with a typo are found if no post has them. 1 to ${MAX_QUERY_LENGTH} characters and at most ${MAX_QUERY_TERMS} words.`,
  examples: ["first words"],
  minLength: 1,
  maxLength: MAX_QUERY_LENGTH,
});

export function idText<AnId extends Id<string>>() {
  return text((raw) => parseId<AnId>(raw), {
    description: "A UUID in upper or lower case.",
    examples: ["01a20bf4-26fc-75d5-aca3-f91ff88ea884"],
    format: "uuid",
    pattern: "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
  });
}

interface TimeForm {
  readonly description: string;
  /** How to write a plus sign there: in a query, `+` means a space. */
  readonly plus: "+" | "%2B";
  /** A pattern of the accepted years. */
  readonly year?: string;
}

/** A time in a request: RFC 3339, 5.6, to the millisecond. */
export function timeText({ description, plus, year = String.raw`\d{4}` }: TimeForm) {
  const form = new RegExp(String.raw`^${year}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$`);
  return z
    .string()
    .transform((raw, context) => {
      const time = new Date(raw);
      const isDate = form.test(raw) && z.iso.datetime({ offset: true }).safeParse(raw).success;
      // PostgreSQL parses only these years in this form, whatever the offset.
      if (isDate && time.getUTCFullYear() >= 1 && time.getUTCFullYear() <= 9999) return time;
      const message = `This must be an RFC 3339 time with at most milliseconds, such as 2026-03-01T12:00:00Z or …00.123${plus}01:00.`;
      context.addIssue({ code: "custom", message, params: { code: "malformed_time" } });
      return z.NEVER;
    })
    .meta({ format: "date-time", pattern: form.source, description });
}

/** An id in an answer. */
export const IdBody = z
  .string()
  .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  .meta({ format: "uuid" });

/** A time in an answer: RFC 3339 in UTC, with milliseconds. */
export const TimeBody = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
  .meta({ format: "date-time" });

/** A string that the domain parses: the schema guards its shape, the domain its meaning. */
function text<T>(parse: (raw: string) => Result<T, Violation>, { examples, ...form }: TextForm) {
  return z
    .string()
    .transform((raw, context): T => {
      const parsed = parse(raw);
      if (parsed.isOk()) return parsed.value;
      context.addIssue({ code: "custom", params: { violation: parsed.error } });
      return z.NEVER;
    })
    .meta({ ...form, examples: [...examples] });
}
