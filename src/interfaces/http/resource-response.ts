import type { Context, TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Outcome } from "../../application/idempotency/idempotency.ts";
import type { Version } from "../../domain/shared/version.ts";
import { isWorthCompressing } from "./middleware/compression.ts";
import type { HttpEnv } from "./environment.ts";
import { etag, preconditionResponse, type Representation } from "./etag.ts";
import { jsonText, type JsonBytes, type JsonText } from "./json-text.ts";
import { respond, setHeader } from "./respond.ts";

interface Tagged {
  readonly version: Version;
  readonly representation?: Representation;
}

interface Resource<Body extends object> extends Tagged {
  readonly body: Body;
}

/** An answer whose body and status are in its type, from which a client's types are inferred. */
export type JsonResponse<Body extends object, Status extends ContentfulStatusCode> = Response &
  TypedResponse<Body, Status, "json">;

/** Answers a GET with a single resource, unless a precondition answers it. */
export function resourceResponse<Body extends object>(c: Context, { body, ...tagged }: Resource<Body>) {
  return renderedResponse(c, tagged, () => jsonText(body));
}

/** Answers a GET with the JSON of a single resource, unless a precondition answers it. */
export function renderedResponse<Body extends object>(
  c: Context,
  { version, representation }: Tagged,
  render: () => JsonText<Body>,
) {
  return preconditionResponse(c, etag(version, representation)) ?? madeJsonResponse(c, render(), 200);
}

/** Answers a change with the current resource. */
export function changedResponse<Body extends object>(c: Context, resource: Resource<Body>) {
  setHeader(c, "ETag", etag(resource.version, resource.representation));
  return jsonResponse(c, resource.body, 200);
}

/** A new resource: `location` is its path. Without a version it has no ETag. */
interface Created<Body extends object> extends Partial<Pick<Resource<Body>, "version" | "representation">> {
  readonly location: string;
  readonly body: Body;
}

/** Answers a POST that creates a resource. */
export function createdResponse<T, Body extends object>(
  c: Context,
  { value, isReplayed }: Outcome<T>,
  render: (value: T) => Created<Body>,
) {
  const { location, version, representation, body } = render(value);
  const tag = version === undefined ? {} : { ETag: etag(version, representation) };
  return replayableResponse(c, body, 201, { Location: location, ...tag, ...replayMark(isReplayed) });
}

/** Answers a POST that changes a resource. */
export function actionResponse<T, Body extends object>(
  c: Context,
  { value, isReplayed }: Outcome<T>,
  render: (value: T) => Resource<Body>,
) {
  const { version, representation, body } = render(value);
  return replayableResponse(c, body, 200, { ETag: etag(version, representation), ...replayMark(isReplayed) });
}

function replayMark(isReplayed: boolean): Readonly<Record<string, string>> {
  return isReplayed ? { "Idempotency-Replayed": "true" } : {};
}

/** Never compressed: the response to a repeated request has the same bytes and the same ETag, whatever encodings it accepts. */
function replayableResponse<Body extends object, Status extends ContentfulStatusCode>(
  c: Context,
  body: Body,
  status: Status,
  headers: Readonly<Record<string, string>>,
) {
  const all = { ...headers, "Content-Type": "application/json" };
  return respond(c, JSON.stringify(body), status, all) as Response as JsonResponse<Body, Status>;
}

/** Answers with a body whose type is its JSON form, so the client reads exactly that type. */
export function jsonResponse<Body extends object, Status extends ContentfulStatusCode>(
  c: Context<HttpEnv>,
  body: Body,
  status: Status,
) {
  return madeJsonResponse(c, jsonText(body), status);
}

/** Answers with JSON that has been encoded before. */
export function jsonBytesResponse<Body extends object, Status extends ContentfulStatusCode>(
  c: Context<HttpEnv>,
  { bytes }: JsonBytes<Body>,
  status: Status,
) {
  return madeJsonResponse<Body, Status>(c, bytes, status);
}

/** Answers with JSON that has been made before, as text or in UTF-8. */
function madeJsonResponse<Body extends object, Status extends ContentfulStatusCode>(
  c: Context<HttpEnv>,
  json: JsonText<Body> | Uint8Array<ArrayBuffer>,
  status: Status,
) {
  c.set("isLong", isWorthCompressing(json));
  const response = respond<string | Uint8Array<ArrayBuffer>, Status>(c, json, status, {
    "Content-Type": "application/json",
  });
  return response as Response as JsonResponse<Body, Status>;
}
