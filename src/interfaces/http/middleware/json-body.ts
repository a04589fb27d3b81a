import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { every } from "hono/combine";
import { createMiddleware } from "hono/factory";
import { documented, type Documentation } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { exceededBound, JSON_BOUNDS } from "./json-bounds.ts";
import { problem } from "../problem.ts";

/** Enough for every body that holds no post, with each character escaped. */
export const SMALL_BODY_BYTES = 65_536;

/** Enough for a post: 1 MiB of content is 6 MiB of JSON when each of its bytes is written as an escape such as `\u0061`. */
export const POST_BODY_BYTES = 6 * 1_048_576 + SMALL_BODY_BYTES;

const UTF_8 = new TextDecoder("utf-8", { fatal: true });

interface JsonBodyOptions {
  readonly maxBytes: number;
  readonly acceptHeader: "Accept-Post" | "Accept-Patch";
  readonly mediaTypes: readonly string[];
}

/** The media types of a body that creates, and of one that changes (merge patch, RFC 7396). */
const JSON_TYPES = ["application/json"];
export const PATCH_TYPES = ["application/merge-patch+json", "application/json"];

/**
 * Lets a request pass whose body is JSON text of the right type and without a content coding (415), within the limit (413), in UTF-8 (400) and within
 * {@link JSON_BOUNDS} (400). Whether it is well-formed JSON the validator after it finds out.
 */
export function jsonBody(maxBytes: number) {
  return checkedBody({ maxBytes, acceptHeader: "Accept-Post", mediaTypes: JSON_TYPES });
}

export function patchBody(maxBytes: number) {
  return checkedBody({ maxBytes, acceptHeader: "Accept-Patch", mediaTypes: PATCH_TYPES });
}

/** For a request whose body may be left out: none is the same as an object without fields. */
export function optionalJsonBody(maxBytes: number) {
  const options = { maxBytes, acceptHeader: "Accept-Post", mediaTypes: JSON_TYPES } as const;
  const checked = every(requireMediaType(options.acceptHeader, options.mediaTypes), checkText);
  const middleware = every(
    requireNoCoding,
    limitedTo(maxBytes),
    createMiddleware<HttpEnv>(async (c, next) => {
      if ((await c.req.arrayBuffer()).byteLength > 0) return checked(c, next);
      c.set("isArriving", false);
      c.req.bodyCache.text = Promise.resolve("{}") as never;
      return next();
    }),
  );
  return documented(middleware, { ...documentationOfBody(options), isBodyOptional: true });
}

/** For a request that needs no body: an empty one passes, and a JSON object without fields. */
export const rejectBody = documented(
  every(
    limitedTo(SMALL_BODY_BYTES),
    createMiddleware<HttpEnv>(async (c, next) => {
      const body = (await c.req.text()).replaceAll(/\s/g, "");
      c.set("isArriving", false);
      if (body === "" || body === "{}") return next();
      return problem(c, "validation_failed", {
        errors: [{ in: "body", pointer: "", code: "unknown_field", detail: "This request takes no body. Remove it." }],
      });
    }),
  ),
  {
    problems: ["body_too_large", "validation_failed"],
  },
);

function checkedBody(options: JsonBodyOptions) {
  const { maxBytes, acceptHeader, mediaTypes } = options;
  const middleware = every(requireNoCoding, requireMediaType(acceptHeader, mediaTypes), limitedTo(maxBytes), checkText);
  return documented(middleware, documentationOfBody(options));
}

const checkText = createMiddleware<HttpEnv>(async (c, next) => {
  const text = decodeUtf8(await c.req.arrayBuffer());
  c.set("isArriving", false);
  if (text === null) return problem(c, "malformed_utf8");
  const exceeded = exceededBound(text, JSON_BOUNDS);
  if (exceeded !== null) return problem(c, exceeded);
  // The validator would decode it again, by way of a Response. What is kept here are promises, whatever its type says.
  c.req.bodyCache.text = Promise.resolve(text) as never;
  return next();
});

function documentationOfBody({ acceptHeader }: JsonBodyOptions): Documentation {
  const problems = [
    "unsupported_content_coding",
    "unsupported_media_type",
    "body_too_large",
    "malformed_utf8",
    "malformed_json",
    "json_too_deep",
    "json_too_complex",
  ] as const;
  return { problems, problemHeaders: { unsupported_media_type: acceptHeader } };
}

/**
 * Stands before what reads the body. It takes an announced length at its word, as the server does; hono's own limit reads
 * it all by a stream first, which costs more.
 */
function limitedTo(maxBytes: number) {
  const counted = bodyLimit({ maxSize: maxBytes, onError: tooLarge });
  return createMiddleware<HttpEnv>(async (c, next) => {
    c.set("isArriving", true);
    const announced = c.req.header("Transfer-Encoding") === undefined ? c.req.header("Content-Length") : undefined;
    if (announced === undefined) return counted(c, next);
    return Number(announced) > maxBytes ? tooLarge(c) : next();
  });
}

/** Nothing is decoded: a few bytes in gzip can be gigabytes. */
const requireNoCoding = createMiddleware<HttpEnv>(async (c, next) => {
  const codings = (c.req.header("Content-Encoding") ?? "").split(",").map((coding) => coding.trim().toLowerCase());
  return codings.every((coding) => coding === "" || coding === "identity")
    ? next()
    : problem(c, "unsupported_content_coding");
});

function requireMediaType(acceptHeader: JsonBodyOptions["acceptHeader"], accepted: readonly string[]) {
  return createMiddleware<HttpEnv>(async (c, next) => {
    if (isAccepted(c.req.header("Content-Type"), accepted)) return next();
    return problem(c, "unsupported_media_type", { headers: { [acceptHeader]: accepted.join(", ") } });
  });
}

function isAccepted(contentType: string | undefined, accepted: readonly string[]): boolean {
  const [mediaType = "", ...parameters] = (contentType ?? "").split(";").map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith("charset="));
  return accepted.includes(mediaType) && (charset === undefined || /^charset="?utf-8"?$/.test(charset));
}

function tooLarge(c: Context): Response {
  return problem(c, "body_too_large");
}

function decodeUtf8(bytes: ArrayBuffer): string | null {
  try {
    return UTF_8.decode(bytes);
  } catch {
    return null;
  }
}
