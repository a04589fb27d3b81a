import type { Result } from "neverthrow";
import * as z from "zod";
import type { Violation } from "../../domain/shared/violation.ts";
import { parseServerUrl, type ServerUrl } from "../../infrastructure/postgresql/client/server-url.ts";
import { ANY_ORIGIN } from "../../interfaces/http/settings.ts";
import { isProxy } from "../../interfaces/node/client-address.ts";

export const SECOND_MS = 1000;

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((raw) => /^\d{1,9}$/.test(raw) && Number(raw) >= min && Number(raw) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number);

/** A value of the domain; `expected` completes the sentence "must be …". */
export const domainValue = <T>(parse: (raw: string) => Result<T, Violation>, expected: string) =>
  z.string().transform((raw, context): T => {
    const parsed = parse(raw);
    if (parsed.isOk()) return parsed.value;
    context.addIssue({ code: "custom", message: `must be ${expected} (${parsed.error.code})` });
    return z.NEVER;
  });

export const onOrOff = z.enum(["on", "off"], { error: "must be on or off" }).transform((raw) => raw === "on");

export const trueOrFalse = z
  .enum(["true", "false"], { error: "must be true or false" })
  .transform((raw) => raw === "true");

/** A shell expands `~` in a command. An env file and the environment of a container do not. */
export const path = z.string().refine((raw) => !raw.startsWith("~"), {
  error: "begins with ~, which only a shell expands: write the whole path (or ./~ for a directory of that name)",
});

const commaSeparated = z.string().transform((raw) => raw.split(",").map((entry) => entry.trim()));

export const proxies = commaSeparated.refine((entries) => entries.every(isProxy), {
  error: "must be addresses, or networks such as 10.0.0.0/8, separated by commas",
});

/** The form that browsers send. An origin in another form would never match. */
export const origins = commaSeparated.refine(
  (entries) => entries.every(isOrigin) || (entries.length === 1 && entries[0] === ANY_ORIGIN),
  {
    error: "must be * alone, or origins without a path, such as https://app.example.org, separated by commas",
  },
);

function isOrigin(raw: string): boolean {
  return /^https?:/.test(raw) && URL.canParse(raw) && new URL(raw).origin === raw;
}

/** The path is written into headers, HTML and JavaScript, so it has no character that is special in one of them. */
export const publicUrl = z.string().transform((raw, context): string => {
  const url = URL.canParse(raw) ? new URL(raw) : null;
  const isPlain = url !== null && !/[?#@]/.test(raw);
  if (isPlain && /^https?:$/.test(url.protocol) && /^(?:\/[\w.~-]+)*\/?$/.test(url.pathname)) {
    return `${url.origin}${url.pathname.replace(/\/$/, "")}`;
  }
  const message =
    "must be an http or https URL without query or fragment, whose path has only letters, digits and . _ ~ -, such as https://example.org/blog";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

export const serverUrl = z.string().transform((raw, context): ServerUrl => {
  const parsed = parseServerUrl(raw);
  if (parsed.isOk()) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error.detail });
  return z.NEVER;
});

/** Separated by white space, because a URL may contain a comma. */
export const serverUrls = z
  .string()
  .transform((raw) => raw.split(/\s+/).filter((url) => url !== ""))
  .pipe(z.array(serverUrl));
