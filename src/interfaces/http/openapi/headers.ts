/** A string (RFC 8941, 3.3.3) of visible characters that need no escape, with or without its quotes. */
export const IDEMPOTENCY_KEY = /^(?:"([!#-\x5b\x5d-~]{16,255})"|([!#-\x5b\x5d-~]{16,255}))$/;

/** The description of a header field for clients. */
interface HeaderForm {
  readonly description: string;
  /** Whether every answer that lists the header has it. */
  readonly required?: true;
  readonly schema: {
    readonly type: "string" | "integer";
    readonly enum?: readonly string[];
    readonly pattern?: string;
  };
  readonly example: string | number;
}

export type RequestHeader = keyof typeof REQUEST_HEADERS;
export type ResponseHeader = keyof typeof RESPONSE_HEADERS;

export const REQUEST_HEADERS = {
  "X-Request-Id": {
    description:
      "Your own id for the request, which the server logs. It must have 1 to 64 letters, digits, `-`, `_` or `=`; otherwise the server generates one.",
    schema: { type: "string" },
  },
  "If-Match": {
    description:
      "The ETags that the resource may have, or `*` for any. The answer is 412 when it has none of them (RFC 9110, 13.1.1).",
    schema: { type: "string" },
  },
  "If-None-Match": {
    description:
      "The ETags that you have cached, or `*` for any. When the resource has one of them, the answer is 304 (RFC 9110, 13.1.2).",
    schema: { type: "string" },
  },
  "Idempotency-Key": {
    description:
      "A random text of your own for the request, such as a UUID. Within 24 hours, a retry with the same key has no further effect and gets the first answer again (draft-ietf-httpapi-idempotency-key-header).",
    schema: { type: "string", pattern: IDEMPOTENCY_KEY.source },
  },
} as const satisfies Readonly<Record<string, Omit<HeaderForm, "example">>>;

/**
 * The headers of answers that a client program reads. Headers of the transport and of the browser (`Content-Encoding`,
 * `Server-Timing`, CORS, the policies below) are left out: a mock server sends every documented header, and a documented `Content-Encoding: gzip`
 * would make its answers unreadable.
 */
export const RESPONSE_HEADERS = {
  "X-Request-Id": {
    description: "The id of the request in the log.",
    schema: { type: "string", pattern: String.raw`^[\w\-=]{1,64}$` },
    example: "bda45c6c-a99a-4cfa-a0da-b0956710a934",
  },
  "Cache-Control": {
    description: "Whether the answer may be cached, and for how long (RFC 9111, 5.2).",
    schema: { type: "string" },
    example: "private, no-cache",
  },
  Vary: {
    description: "The request headers that the answer depends on (RFC 9110, 12.5.5).",
    schema: { type: "string" },
    example: "Authorization, Accept-Encoding",
  },
  ETag: {
    required: true,
    description: "The version of the resource: send it in If-Match or If-None-Match (RFC 9110, 8.8.3).",
    schema: { type: "string", pattern: String.raw`^(?:W/)?"[^"]*"$` },
    example: '"1"',
  },
  Location: {
    required: true,
    description:
      "The path of the new resource (RFC 9110, 10.2.2). It begins with the path of QUIRE_PUBLIC_URL, if that is set.",
    schema: { type: "string", pattern: "/v1/" },
    example: "/v1/posts/01a20bf4-2807-77a5-9c8e-83516e0dcf92",
  },
  Link: {
    description: 'The next and the previous page, as `rel="next"` and `rel="prev"` (RFC 8288).',
    schema: { type: "string" },
    example:
      '</v1/posts?limit=2&cursor=WyJmb3J3YXJkIixudWxsLCIwMWEyM2M0ZS00MWZhLTc3ZGQtYjQyNy03ZmMyYjFmNTg1NzgiLCI0ZDU1OWFhMGUyMjIwMWU0Il0>; rel="next"',
  },
  "X-Search-Index": {
    description: "`building` while the search index is being built: posts that are not indexed yet are missing.",
    schema: { type: "string", enum: ["building"] },
    example: "building",
  },
  "Idempotency-Replayed": {
    description: "`true` when this is the stored answer to an earlier request with the same Idempotency-Key.",
    schema: { type: "string", enum: ["true"] },
    example: "true",
  },
  "Retry-After": {
    description: "The number of seconds to wait before a retry (RFC 9110, 10.2.3).",
    schema: { type: "integer" },
    example: 1,
  },
  "RateLimit-Policy": {
    description:
      "The rate limits of the request: `q` units in `w` seconds, and `quire-cost`, the units that this request costs (draft-ietf-httpapi-ratelimit-headers-10, 3).",
    schema: { type: "string" },
    example: '"address";q=6000;w=60;quire-cost=1',
  },
  RateLimit: {
    description:
      "The units that remain: `r` units for the next `t` seconds (draft-ietf-httpapi-ratelimit-headers-10, 4).",
    schema: { type: "string" },
    example: '"address";r=5999;t=60',
  },
  "WWW-Authenticate": {
    required: true,
    description: "How to authenticate (RFC 6750, 3).",
    schema: { type: "string", pattern: "^Bearer " },
    example: 'Bearer realm="quire"',
  },
  "Accept-Encoding": {
    description:
      "The accepted content codings of a body. A 415 for the media type has Accept-Post or Accept-Patch instead (RFC 9110, 12.5.3).",
    schema: { type: "string", enum: ["identity"] },
    example: "identity",
  },
  "Accept-Post": {
    description: "The accepted media types of a body (Linked Data Platform 1.0, 7.1).",
    schema: { type: "string" },
    example: "application/json",
  },
  "Accept-Patch": {
    description: "The accepted media types of a body (RFC 5789, 3.1).",
    schema: { type: "string" },
    example: "application/merge-patch+json, application/json",
  },
} as const satisfies Readonly<Record<string, HeaderForm>>;

/**
 * No answer is a page, so a browser may run, load or frame nothing in it, and may not guess its type. The proxy that
 * terminates TLS sets HSTS (RFC 6797, 7.2).
 */
export const SECURE_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;
