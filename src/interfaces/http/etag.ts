import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { ExpectedVersions } from "../../application/optimistic-concurrency.ts";
import { parseVersion, type Version } from "../../domain/version.ts";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { problem } from "./problem.ts";
import type { HttpSettings } from "./settings.ts";

/** What a client sees of a resource; one version that shows more to some has a tag for each (RFC 9110, 8.8.3). */
export type Representation = "full" | "public";

const TAG = /(?:^|,)\s*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?=,|$)/g;

interface EntityTag {
  readonly weak: boolean;
  readonly opaque: string;
}

export function etag(version: Version, representation: Representation = "full"): string {
  return `"${opaqueTag(version, representation)}"`;
}

/** The versions that If-Match names, by strong comparison (RFC 9110, 13.1.1); `null` for none named, or for `*`. */
export function expectedVersions(c: Context): ExpectedVersions {
  const header = c.req.header("If-Match");
  if (header === undefined || header.trim() === "*") return null;
  return parseTags(header)
    .filter((tag) => !tag.weak)
    .map((tag) => versionOf(tag.opaque))
    .filter((version) => version !== null);
}

/** Refuses a change that does not say of which version it is, where the operator wants it said (RFC 6585, 3). */
export function requireIfMatch(settings: HttpSettings) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) =>
    settings.requireIfMatch && c.req.header("If-Match") === undefined ? problem(c, "precondition_required") : next(),
  );
  return documented(
    middleware,
    settings.requireIfMatch ? { requestHeaders: { "If-Match": "required" }, problems: ["precondition_required"] } : {},
  );
}

/** Whether If-None-Match names what would be sent, by weak comparison (RFC 9110, 13.1.2). */
export function isNotModified(c: Context, current: string): boolean {
  const header = c.req.header("If-None-Match");
  if (header === undefined) return false;
  return header.trim() === "*" || parseTags(header).some((tag) => `"${tag.opaque}"` === current);
}

function opaqueTag(version: Version, representation: Representation): string {
  return representation === "full" ? String(version) : `${version}-${representation}`;
}

/** The version of a tag as {@link etag} writes it; a tag written otherwise is of no version. */
function versionOf(opaque: string): Version | null {
  const version = parseVersion(Number.parseInt(opaque, 10));
  if (version === null) return null;
  return opaque === opaqueTag(version, "full") || opaque === opaqueTag(version, "public") ? version : null;
}

function parseTags(header: string): EntityTag[] {
  return Array.from(header.matchAll(TAG), ([, weak, opaque = ""]) => ({ weak: weak !== undefined, opaque }));
}
