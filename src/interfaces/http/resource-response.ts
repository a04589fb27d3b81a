import type { Context, TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Version } from "../../domain/shared/version.ts";
import { isWorthCompressing } from "./middleware/compression.ts";
import type { HttpEnv } from "./environment.ts";
import { etag, preconditionResponse, type Representation } from "./etag.ts";
import { respond, setHeader } from "./respond.ts";

interface Resource<Body extends object> {
  readonly version: Version;
  readonly representation?: Representation;
  readonly body: Body;
}

/** An answer whose body and status are in its type, from which a client's types are inferred. */
export type JsonResponse<Body extends object, Status extends ContentfulStatusCode> = Response &
  TypedResponse<Body, Status, "json">;

/** Answers a GET with a single resource, unless a precondition answers it. */
export function resourceResponse<Body extends object>(c: Context, resource: Resource<Body>) {
  const tag = etag(resource.version, resource.representation);
  return preconditionResponse(c, tag) ?? jsonResponse(c, resource.body, 200);
}

/** Answers a change with the resource as it is now. */
export function changedResponse<Body extends object>(c: Context, resource: Resource<Body>) {
  setHeader(c, "ETag", etag(resource.version, resource.representation));
  return jsonResponse(c, resource.body, 200);
}

/** An answer that is not sent yet, so that it can be kept with the write that it tells of. */
export interface JsonAnswer<Body extends object, Status extends ContentfulStatusCode> {
  readonly status: Status;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** The answer to a POST that has changed a resource: the resource as it is now. */
export function changedAnswer<Body extends object>({ version, representation, body }: Resource<Body>) {
  return { status: 200, headers: { ETag: etag(version, representation) }, body } as const;
}

/** The answer to a POST that has created a resource: the resource, and where it is. */
export function createdAnswer<Body extends object>(location: string, resource: Resource<Body>) {
  const { headers, body } = changedAnswer(resource);
  return { status: 201, headers: { ...headers, Location: location }, body } as const;
}

/** Not compressed, so that a repetition has the very bytes and the very tag of the first answer, whatever it accepts. */
export function sendAnswer<Body extends object, Status extends ContentfulStatusCode>(
  c: Context,
  { status, headers, body }: JsonAnswer<Body, Status>,
) {
  const sent = { ...headers, "Content-Type": "application/json" };
  return respond(c, JSON.stringify(body), status, sent) as Response as JsonResponse<Body, Status>;
}

/** Answers with a body that has the form of JSON already, so what a client reads has the very type that was given. */
export function jsonResponse<Body extends object, Status extends ContentfulStatusCode>(
  c: Context<HttpEnv>,
  body: Body,
  status: Status,
) {
  const json = JSON.stringify(body);
  c.set("isLong", isWorthCompressing(json));
  return respond(c, json, status, { "Content-Type": "application/json" }) as Response as JsonResponse<Body, Status>;
}
