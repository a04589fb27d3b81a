import type { Context, TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Version } from "../../domain/version.ts";
import { etag, isNotModified, type Representation } from "./etag.ts";

interface Resource<Body extends object> {
  readonly version: Version;
  readonly representation?: Representation;
  readonly body: Body;
}

/** An answer whose body and status are in its type, from which a client's types are inferred. */
export type JsonResponse<Body extends object, Status extends ContentfulStatusCode> = Response &
  TypedResponse<Body, Status, "json">;

/** Answers a GET with a single resource, or with 304 when the client has it already. */
export function resourceResponse<Body extends object>(c: Context, resource: Resource<Body>) {
  const tag = etag(resource.version, resource.representation);
  c.header("ETag", tag);
  return isNotModified(c, tag) ? c.body(null, 304) : jsonResponse(c, resource.body, 200);
}

/** Answers a change with the resource as it is now. */
export function changedResponse<Body extends object>(c: Context, resource: Resource<Body>) {
  c.header("ETag", etag(resource.version, resource.representation));
  return jsonResponse(c, resource.body, 200);
}

/** Answers a POST with what it has created, and where that is. */
export function createdResponse<Body extends object>(c: Context, location: string, resource: Resource<Body>) {
  c.header("ETag", etag(resource.version, resource.representation));
  c.header("Location", location);
  return jsonResponse(c, resource.body, 201);
}

/** Answers with a body that has the form of JSON already, so what a client reads has the very type that was given. */
export function jsonResponse<Body extends object, Status extends ContentfulStatusCode>(
  c: Context,
  body: Body,
  status: Status,
) {
  return c.json(body, status) as Response as JsonResponse<Body, Status>;
}
