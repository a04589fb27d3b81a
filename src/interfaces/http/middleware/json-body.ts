import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import { Result } from "neverthrow";
import type * as z from "zod";
import { documented, type Documentation } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { problem } from "../problem/problem.ts";
import { exceededBound, JSON_BOUNDS } from "./json-bounds.ts";
import { setValidated, validationProblem } from "./validation.ts";

/** In bytes. Enough for every body without a post, even if each character is escaped. */
export const SMALL_BODY_BYTES = 65_536;

/** In bytes. Enough for a post: 1 MiB of content is 6 MiB of JSON when each byte is escaped, as in `\u0061`. */
export const POST_BODY_BYTES = 6 * 1_048_576 + SMALL_BODY_BYTES;

interface JsonBodyOptions {
  readonly maxBytes: number;
  readonly acceptHeader: "Accept-Post" | "Accept-Patch";
  readonly mediaTypes: readonly string[];
  /** Whether an empty body is the same as an object without fields. */
  readonly isOptional: boolean;
}

/** The media types of a body that creates a resource, and of one that changes it (merge patch, RFC 7396). */
const JSON_TYPES = ["application/json"];
export const PATCH_TYPES = ["application/merge-patch+json", "application/json"];

const POST_BODY = { acceptHeader: "Accept-Post", mediaTypes: JSON_TYPES, isOptional: false } as const;
const PATCH_BODY = { acceptHeader: "Accept-Patch", mediaTypes: PATCH_TYPES, isOptional: false } as const;

/**
 * Reads a JSON body and validates it. It refuses a content coding or another media type (415), a body that is too long
 * (413), malformed UTF-8 or JSON (400), JSON beyond {@link JSON_BOUNDS} (400), and a value that does not match the
 * schema, unknown fields included (422).
 */
export function jsonBody<Schema extends z.ZodType>(schema: Schema, maxBytes: number) {
  return validBody(schema, { ...POST_BODY, maxBytes });
}

/** The same for a JSON merge patch. */
export function patchBody<Schema extends z.ZodType>(schema: Schema, maxBytes: number) {
  return validBody(schema, { ...PATCH_BODY, maxBytes });
}

/** The same for a body that may be left out. */
export function optionalJsonBody<Schema extends z.ZodType>(schema: Schema, maxBytes: number) {
  return validBody(schema, { ...POST_BODY, maxBytes, isOptional: true });
}

type BodyValidator<Schema extends z.ZodType> = MiddlewareHandler<
  HttpEnv,
  string,
  { in: { json: z.input<Schema> }; out: { json: z.output<Schema> } },
  ReturnType<typeof validationProblem>
>;

function validBody<Schema extends z.ZodType>(schema: Schema, options: JsonBodyOptions) {
  const middleware: BodyValidator<Schema> = async (c, next) => {
    const text = await readText(c, options);
    if (text instanceof Response) return text as never;
    c.set("bodyText", text);
    const parsed = parseJson(text);
    if (parsed.isErr()) return problem(c, "malformed_json") as never;
    const result = schema.safeParse(parsed.value);
    if (!result.success) return validationProblem(c, "body", result.error.issues, parsed.value);
    setValidated(c, schema, result.data);
    c.req.addValidatedData("json", result.data as object);
    return next();
  };
  return documented(middleware, documentationOf(schema, options));
}

const parseJson = Result.fromThrowable((text: string): unknown => JSON.parse(text));

/** The text of the body, or the answer that refuses it. */
async function readText(c: Context<HttpEnv>, options: JsonBodyOptions): Promise<string | Response> {
  const { maxBytes, acceptHeader, mediaTypes, isOptional } = options;
  const hasMediaType = isAccepted(c.req.header("Content-Type"), mediaTypes);
  const wrongType = () => problem(c, "unsupported_media_type", { headers: { [acceptHeader]: mediaTypes.join(", ") } });
  if (hasContentCoding(c)) return problem(c, "unsupported_content_coding");
  if (!hasMediaType && !isOptional) return wrongType();
  const bytes = await readBytes(c, maxBytes);
  if (bytes === null) return problem(c, "body_too_large");
  if (isOptional && bytes.byteLength === 0) return "{}";
  if (!hasMediaType) return wrongType();
  const text = decodeUtf8(bytes);
  if (text.isErr()) return problem(c, "malformed_utf8");
  const exceeded = exceededBound(text.value, JSON_BOUNDS);
  return exceeded === null ? text.value : problem(c, exceeded);
}

/** For an operation that needs no body: it accepts an empty body and a JSON object without fields. */
export const rejectBody = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    const bytes = await readBytes(c, SMALL_BODY_BYTES);
    if (bytes === null) return problem(c, "body_too_large");
    const text = new TextDecoder().decode(bytes);
    c.set("bodyText", text);
    if (/^\s*(?:\{\s*\})?\s*$/.test(text)) return next();
    return problem(c, "validation_failed", {
      errors: [{ in: "body", pointer: "", code: "unknown_field", detail: "This request accepts no body. Remove it." }],
    });
  }),
  { problems: ["body_too_large", "validation_failed"] },
);

function documentationOf(body: z.ZodType, { acceptHeader, isOptional }: JsonBodyOptions): Documentation {
  const problems = [
    "unsupported_content_coding",
    "unsupported_media_type",
    "body_too_large",
    "malformed_utf8",
    "malformed_json",
    "json_too_deep",
    "json_too_complex",
    "validation_failed",
  ] as const;
  const problemHeaders = { unsupported_media_type: acceptHeader };
  return { body, problems, problemHeaders, ...(isOptional ? { isBodyOptional: true } : {}) };
}

/**
 * The body; `null` when it is longer than the limit. It trusts a Content-Length, as the server enforces it. Hono's bodyLimit
 * copies every body through a stream, so it is used only for a chunked one.
 */
async function readBytes(c: Context<HttpEnv>, maxBytes: number): Promise<ArrayBuffer | null> {
  c.set("isArriving", true);
  const announced = c.req.header("Transfer-Encoding") === undefined ? c.req.header("Content-Length") : undefined;
  let isTooLarge = announced !== undefined && Number(announced) > maxBytes;
  let bytes: ArrayBuffer | null = null;
  const read = async () => {
    bytes = await c.req.arrayBuffer();
  };
  const limited = bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      isTooLarge = true;
      return new Response(null);
    },
  });
  if (announced === undefined) await limited(c, read);
  else if (!isTooLarge) await read();
  c.set("isArriving", false);
  return isTooLarge ? null : bytes;
}

/** Nothing is decompressed: a few bytes of gzip can be gigabytes. */
function hasContentCoding(c: Context<HttpEnv>): boolean {
  const codings = (c.req.header("Content-Encoding") ?? "").split(",").map((coding) => coding.trim().toLowerCase());
  return !codings.every((coding) => coding === "" || coding === "identity");
}

function isAccepted(contentType: string | undefined, accepted: readonly string[]): boolean {
  const [mediaType = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  return accepted.includes(mediaType) && (charset === undefined || /^charset="?utf-8"?$/.test(charset));
}

const UTF_8 = new TextDecoder("utf-8", { fatal: true });
const decodeUtf8 = Result.fromThrowable((bytes: ArrayBuffer) => UTF_8.decode(bytes));
