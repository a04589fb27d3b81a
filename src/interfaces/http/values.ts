import type { Result } from "neverthrow";
import { z } from "zod";
import { EMAIL_MAX_LENGTH, parseEmailAddress } from "../../domain/user/email-address.ts";
import { parseId, type Id } from "../../domain/shared/id.ts";
import { parsePassword, PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH } from "../../domain/user/password.ts";
import { CONTENT_MAX_BYTES, parsePostContent, parsePostTitle, TITLE_MAX_LENGTH } from "../../domain/post/post.ts";
import { NAME_MAX_LENGTH, parseUserName } from "../../domain/user/user.ts";
import { parseSearchQuery, QUERY_MAX_LENGTH } from "../../domain/post/post-search.ts";
import type { Violation } from "../../domain/shared/violation.ts";

/**
 * What a string looks like to JSON Schema. A pattern stays within what every dialect of regular expressions reads (RFC 9485): many
 * tools compile it without Unicode mode or look-ahead. What such a pattern cannot say stands in the description.
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
  description: `1 to ${NAME_MAX_LENGTH} characters, something visible among them, without control characters and such that turn the direction of text; white space at either end is taken away.`,
  examples: ["Grace"],
  minLength: 1,
  maxLength: NAME_MAX_LENGTH,
});

export const emailText = text(parseEmailAddress, {
  description: `An address in ASCII or Unicode (RFC 6531), of at most ${EMAIL_MAX_LENGTH} characters; white space at either end is taken away. Two that differ in case alone are one, and so are a domain in Unicode and in its ASCII form (IDNA2008).`,
  examples: ["grace@example.org"],
  format: "idn-email",
  maxLength: EMAIL_MAX_LENGTH,
});

export const passwordText = text(parsePassword, {
  description: "Characters are counted as Unicode composes them (NFC).",
  examples: ["correct horse battery staple"],
  format: "password",
  minLength: PASSWORD_MIN_LENGTH,
  maxLength: PASSWORD_MAX_LENGTH,
});

export const titleText = text(parsePostTitle, {
  description:
    "One line with something visible, without control characters and such that turn the direction of text; kept as written.",
  examples: ["Hello, world"],
  minLength: 1,
  maxLength: TITLE_MAX_LENGTH,
});

export const contentText = text(parsePostContent, {
  description: `At most ${CONTENT_MAX_BYTES} bytes of UTF-8, without control characters but tab, line feed and carriage return; a draft's may be empty, a published post's may not be blank.`,
  examples: ["First words."],
  maxLength: CONTENT_MAX_BYTES,
});

export const searchText = text(parseSearchQuery, {
  description:
    'Words that all must be there, in any form of theirs and with or without accents; `"words in a row"`, `or`, and `-` before what must not be there. Without these, titles with similar words are found too. 1 to 200 characters.',
  examples: ["first words"],
  minLength: 1,
  maxLength: QUERY_MAX_LENGTH,
});

export function idText<AnId extends Id<string>>() {
  return text((raw) => parseId<AnId>(raw), {
    description: "A UUID in either case.",
    examples: ["01a20bf4-26fc-75d5-aca3-f91ff88ea884"],
    format: "uuid",
    pattern: "^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
  });
}

interface TimeForm {
  readonly description: string;
  /** How a plus sign is written there: in a query it would be a space. */
  readonly plus: "+" | "%2B";
  /** A pattern of the years that are taken. */
  readonly year?: string;
}

/** A time in a request: RFC 3339, 5.6, with the milliseconds that posts have at the most. */
export function timeText({ description, plus, year = String.raw`\d{4}` }: TimeForm) {
  const form = new RegExp(String.raw`^${year}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,3})?(?:Z|[+-]\d{2}:\d{2})$`);
  return z
    .string()
    .transform((raw, context) => {
      const time = new Date(raw);
      const isDate = form.test(raw) && z.iso.datetime({ offset: true }).safeParse(raw).success;
      // The years that PostgreSQL reads in this form, whatever the offset.
      if (isDate && time.getUTCFullYear() >= 1 && time.getUTCFullYear() <= 9999) return time;
      const message = `This must be a time of RFC 3339 to the millisecond, such as 2026-03-01T12:00:00Z or …00.123${plus}01:00.`;
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

/** A string that a rule of the domain reads: the schema guards the shape, the domain the meaning. */
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
