import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ExpectedVersions } from "../../application/optimistic-concurrency.ts";
import { parseVersion, type Version } from "../../domain/shared/version.ts";
import { jsonDigest } from "./digest.ts";
import { documented } from "./openapi/documented.ts";
import type { HttpEnv } from "./environment.ts";
import { problem } from "./problem/problem.ts";
import { respond, setHeader } from "./respond.ts";
import type { HttpSettings } from "./settings.ts";

/**
 * The representations of one version of a resource. Each has its own tag (RFC 9110, 8.8.3). `public` is the public part
 * of a user. `author-…` is a post with its author under the author's current name.
 */
export type Representation = "full" | "public" | `author-${string}`;

const REPRESENTATION = /^(?:public|author-[0-9a-f]{32})$/;

const TAG = /(?:^|,)\s*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?=,|$)/g;
const DIGEST_BYTES = 16;

interface EntityTag {
  readonly weak: boolean;
  readonly opaque: string;
}

const GZIP = "-gzip";

/** The tag of the gzip representation. A strong tag changes, because the bytes differ (RFC 9110, 8.8.3.3). */
export function gzipEtag(tag: string): string {
  return tag.startsWith("W/") ? tag : `${tag.slice(0, -1)}${GZIP}"`;
}

/**
 * The strong tag of a single resource.
 *
 * Hono's etag middleware hashes the body of each answer. This tag is known before a body is made, and conditional
 * writes need it.
 */
export function etag(version: Version, representation: Representation = "full"): string {
  return `"${opaqueTag(version, representation)}"`;
}

/**
 * The weak tag of a representation without a version, such as a list. `states` has one value for each item, which
 * changes whenever the presented item changes. The digest covers these values and not the body, which can be four
 * thousand times as large.
 */
export function weakEtag(states: unknown): string {
  return `W/"${jsonDigest(states, DIGEST_BYTES)}"`;
}

/** The representation of a post with its author. It changes when the author changes and the post does not. */
export function authorRepresentation(author: unknown): Representation {
  return `author-${jsonDigest(author, DIGEST_BYTES)}`;
}

/** The part of a context that has the headers of the request. */
export interface RequestHeaders {
  readonly req: { header(name: string): string | undefined };
}

/**
 * The versions that the preconditions of a change allow: those in If-Match, by strong comparison, without those in
 * If-None-Match, by weak comparison (RFC 9110, 13.1); `null` without a condition, or with `If-Match: *`.
 */
export function expectedVersions(c: RequestHeaders): ExpectedVersions {
  const [named, excluded] = [c.req.header("If-Match"), c.req.header("If-None-Match")];
  const expected =
    named === undefined || isAny(named) ? null : versionsOf(parseTags(named).filter(({ weak }) => !weak));
  if (excluded === undefined) return expected;
  // A resource that can be changed exists, so `If-None-Match: *` allows no version.
  if (isAny(excluded)) return [];
  const except = versionsOf(parseTags(excluded));
  return expected === null ? { except } : expected.filter((version) => !except.includes(version));
}

/** Refuses a change without If-Match, if the operator requires one (RFC 6585, 3). */
export function requireIfMatch(settings: HttpSettings) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) =>
    settings.requireIfMatch && c.req.header("If-Match") === undefined ? problem(c, "precondition_required") : next(),
  );
  return documented(
    middleware,
    settings.requireIfMatch ? { requestHeaders: { "If-Match": "required" }, problems: ["precondition_required"] } : {},
  );
}

/**
 * Sets the ETag of the found resource, and returns the response that the preconditions of the request require. They are
 * evaluated in the order of RFC 9110, 13.2.2: 412 if If-Match names another tag, 304 if If-None-Match names this one.
 * `null` if the resource is to be sent.
 */
export function preconditionResponse(c: Context, current: string) {
  const [named, had] = [c.req.header("If-Match"), c.req.header("If-None-Match")];
  if (named !== undefined && !isAny(named) && !isStrongMatch(named, current)) return problem(c, "precondition_failed");
  setHeader(c, "ETag", current);
  return had !== undefined && (isAny(had) || isWeakMatch(had, current)) ? respond(c, null, 304) : null;
}

function isAny(header: string): boolean {
  return header.trim() === "*";
}

function isStrongMatch(header: string, current: string): boolean {
  return parseTags(header).some(({ weak, opaque }) => !weak && `"${opaque}"` === current);
}

function isWeakMatch(header: string, current: string): boolean {
  return parseTags(header).some(({ opaque }) => `"${opaque}"` === current.replace(/^W\//, ""));
}

function versionsOf(tags: readonly EntityTag[]): Version[] {
  return tags.map(({ opaque }) => versionOf(opaque)).filter((version) => version !== null);
}

function opaqueTag(version: Version, representation: Representation): string {
  return representation === "full" ? String(version) : `${version}-${representation}`;
}

/** The version of a tag that {@link etag} made; `null` for any other tag. */
function versionOf(opaque: string): Version | null {
  const version = parseVersion(Number.parseInt(opaque, 10));
  if (version === null) return null;
  const [whole, ...representation] = opaque.split("-");
  const isOurs = representation.length === 0 || REPRESENTATION.test(representation.join("-"));
  return isOurs && whole === String(version) ? version : null;
}

/** Parses the tags of a header. The tag of the gzip representation counts as the tag of the uncompressed one. */
function parseTags(header: string): EntityTag[] {
  return Array.from(header.matchAll(TAG), ([, weak, opaque = ""]) => ({
    weak: weak !== undefined,
    opaque: opaque.endsWith(GZIP) ? opaque.slice(0, -GZIP.length) : opaque,
  }));
}
