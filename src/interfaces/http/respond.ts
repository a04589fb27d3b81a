import type { Context, TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";

// Hono keeps the headers of a response in a Headers object, which checks, copies and sorts them. Node's server checks
// them again. For the eleven headers of a GET that takes as long as a rate limit. Here they are a plain object until
// the response exists.

const UTF_8 = new TextEncoder();

/**
 * Starts the headers of the response. From here on `c.header` of any middleware adds to them, until the response exists.
 * Headers of middleware in front of this app are taken over.
 */
export function startHeaders(c: Context, initial: Readonly<Record<string, string>>): void {
  // On Node 20 a copy by spread takes ten times as long.
  c.set("headers", Object.assign({}, initial));
  if (c.req.routeIndex > 0) takeOver(c, c.res.headers);
  const setOnResponse = c.header;
  c.header = (name: string, value?: string, options?: { readonly append?: boolean }) => {
    if (!c.finalized && !isCookie(name)) return setForeignHeader(c, name, value, options?.append === true);
    // A response may have several cookies. Hono merges them into the response, once `c.res` exists.
    void c.res;
    setOnResponse(name, value, options);
  };
}

/** Adds the started headers to a response of third-party middleware. Headers that the response has itself are kept. */
export function completeHeaders(c: Context): void {
  if (c.get("bytes") !== undefined) return;
  for (const [name, value] of Object.entries(headersOf(c))) if (!c.res.headers.has(name)) c.header(name, value);
}

/** Sets a header of the response. All callers write a name in the same case. */
export function setHeader(c: Context, name: string, value: string): void {
  headersOf(c)[name] = value;
}

/** Adds to a header whose value is a list. */
export function appendHeader(c: Context, name: string, value: string): void {
  const headers = headersOf(c);
  const before = headers[name];
  headers[name] = before === undefined ? value : `${before}, ${value}`;
}

/** A path of the API as a client sees it, behind a proxy that removes a prefix. */
export function publicPath(c: Context, path: string): string {
  return `${c.get("basePath")}${path}`;
}

/** Makes the response from the started headers and these. A Location is a path of the API. */
export function respond<Body extends string | Uint8Array<ArrayBuffer> | null, Status extends StatusCode>(
  c: Context,
  body: Body,
  status: Status,
  headers?: Readonly<Record<string, string>>,
) {
  c.set("bytes", typeof body === "string" ? UTF_8.encode(body).length : (body?.length ?? 0));
  const all: Record<string, string> = Object.assign({}, headersOf(c), headers);
  if (all["Location"] !== undefined) all["Location"] = publicPath(c, all["Location"]);
  return new Response(body, { status, headers: all }) as Response & TypedResponse<Body, Status, "body">;
}

function headersOf(c: Context): Record<string, string> {
  return c.get("headers") as Record<string, string>;
}

/** Third-party middleware writes names in any case. */
function setForeignHeader(c: Context, name: string, value: string | undefined, appends: boolean): void {
  const headers = headersOf(c);
  const lowerCase = name.toLowerCase();
  const known = Object.keys(headers).find((each) => each.toLowerCase() === lowerCase) ?? name;
  if (value === undefined) delete headers[known];
  else if (appends) appendHeader(c, known, value);
  else headers[known] = value;
}

/** Hono would overwrite headers of the response with the headers of `c.res`, so `c.res` loses them. */
function takeOver(c: Context, before: Headers): void {
  for (const [name, value] of Array.from(before)) {
    if (isCookie(name)) continue;
    setForeignHeader(c, name, value, name === "vary");
    before.delete(name);
  }
}

function isCookie(name: string): boolean {
  return name.toLowerCase() === "set-cookie";
}
