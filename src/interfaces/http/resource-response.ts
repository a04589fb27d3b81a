import type { Context } from "hono";
import type { Version } from "../../domain/version.ts";
import { etag, isNotModified, type Representation } from "./etag.ts";

interface Resource {
  readonly version: Version;
  readonly representation?: Representation;
  readonly body: object;
}

/** Answers a GET with a single resource, or with 304 when the client has it already. */
export function resourceResponse(c: Context, resource: Resource): Response {
  const tag = etag(resource.version, resource.representation);
  c.header("ETag", tag);
  return isNotModified(c, tag) ? c.body(null, 304) : c.json(resource.body);
}

/** Answers a change with the resource as it is now. */
export function changedResponse(c: Context, resource: Resource): Response {
  c.header("ETag", etag(resource.version, resource.representation));
  return c.json(resource.body);
}

/** Answers a POST with what it has created, and where that is. */
export function createdResponse(c: Context, location: string, resource: Resource): Response {
  c.header("ETag", etag(resource.version, resource.representation));
  c.header("Location", location);
  return c.json(resource.body, 201);
}
