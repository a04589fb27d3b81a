import type { Context, TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";

// Hono's own c.header and c.body keep the headers of an answer in a Headers, which checks, copies and sorts what Node's
// server checks again: for the eleven of a GET that takes as long as to count it for a limit.

const UTF_8 = new TextEncoder();

/** Sets a header of the answer that is to come, by a name that is written alike everywhere. */
export function setHeader(c: Context, name: string, value: string): void {
  headersOf(c)[name] = value;
}

/** Adds to a header that is a list. */
export function appendHeader(c: Context, name: string, value: string): void {
  const headers = headersOf(c);
  const before = headers[name];
  headers[name] = before === undefined ? value : `${before}, ${value}`;
}

/** A path of the API as a client knows it, behind a proxy that takes a part of it away. */
export function publicPath(c: Context, path: string): string {
  return `${c.get("basePath")}${path}`;
}

/** Makes the answer, with the headers that were set for it and with these; a Location is a path of the API. */
export function respond<Body extends string | Uint8Array<ArrayBuffer> | null, Status extends StatusCode>(
  c: Context,
  body: Body,
  status: Status,
  headers?: Readonly<Record<string, string>>,
) {
  c.set("bytes", typeof body === "string" ? UTF_8.encode(body).length : (body?.length ?? 0));
  // Node 20 needs ten times as long to join them by a spread.
  const all: Record<string, string> = Object.assign({}, headersOf(c), headers);
  if (all["Location"] !== undefined) all["Location"] = publicPath(c, all["Location"]);
  return new Response(body, { status, headers: all }) as Response & TypedResponse<Body, Status, "body">;
}

function headersOf(c: Context): Record<string, string> {
  return c.get("headers") as Record<string, string>;
}
