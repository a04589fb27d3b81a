/** A string (RFC 8941, 3.3.3) of visible characters that need no escape, or the same without its quotes. */
export const IDEMPOTENCY_KEY = /^(?:"([!#-\x5b\x5d-~]{16,255})"|([!#-\x5b\x5d-~]{16,255}))$/;

/** Every header field that a client is told of, with its form. */
interface HeaderForm {
  readonly description: string;
  /** Whether each answer that lists it has it. */
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
      "A name of your own for the request, to be found in the log; another is made when it is not of 1 to 64 letters, digits, `-`, `_` and `=`.",
    schema: { type: "string" },
  },
  "If-Match": {
    description:
      "The ETags of the versions that you mean, or `*`: the answer is 412 when the resource is of none of them (RFC 9110, 13.1.1).",
    schema: { type: "string" },
  },
  "If-None-Match": {
    description:
      "The ETags of what you have, or `*`: when the resource is of one of them, a GET is answered 304 and a change 412 (RFC 9110, 13.1.2).",
    schema: { type: "string" },
  },
  "Idempotency-Key": {
    description:
      "A random text of your own for the request, such as a UUID: within 24 hours a repetition with the same key does nothing and gets the first answer again (draft-ietf-httpapi-idempotency-key-header).",
    schema: { type: "string", pattern: IDEMPOTENCY_KEY.source },
  },
} as const satisfies Readonly<Record<string, Omit<HeaderForm, "example">>>;

/**
 * The headers of answers that a client's program reads. Those of the transport and of the browser (`Content-Encoding`, CORS, the
 * policies below) are not among them: a mock server sends every header that the document has, so a documented
 * `Content-Encoding: gzip` makes its answers unreadable.
 */
export const RESPONSE_HEADERS = {
  "X-Request-Id": {
    description: "The name of the request in the log.",
    schema: { type: "string", pattern: String.raw`^[\w\-=]{1,64}$` },
    example: "bda45c6c-a99a-4cfa-a0da-b0956710a934",
  },
  "Cache-Control": {
    description: "Whether the answer may be kept, and used again without asking (RFC 9111, 5.2).",
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
    description: "The version that is answered: for If-Match and If-None-Match (RFC 9110, 8.8.3).",
    schema: { type: "string", pattern: String.raw`^(?:W/)?"[^"]*"$` },
    example: '"1"',
  },
  Location: {
    required: true,
    description:
      "Where the new resource is (RFC 9110, 10.2.2): its path, after that of QUIRE_PUBLIC_URL where the server has one.",
    schema: { type: "string", pattern: "/v1/" },
    example: "/v1/posts/01a20bf4-2807-77a5-9c8e-83516e0dcf92",
  },
  Link: {
    description: 'Where the pages beside this one are, with `rel="next"` and `rel="prev"` (RFC 8288).',
    schema: { type: "string" },
    example: '</v1/posts?limit=20&cursor=AaIL9CgHd6Wcjr6DUW4Nz5LkVcUcJ9nG>; rel="next"',
  },
  "Idempotency-Replayed": {
    description: "`true` where the answer is that of an earlier request with the same Idempotency-Key.",
    schema: { type: "string", enum: ["true"] },
    example: "true",
  },
  "Retry-After": {
    description: "After how many seconds to try again (RFC 9110, 10.2.3).",
    schema: { type: "integer" },
    example: 1,
  },
  "RateLimit-Policy": {
    description:
      "The limits that the request counts for: `q` units in `w` seconds, and `quire-cost`, the units that the request costs (draft-ietf-httpapi-ratelimit-headers-10, 3).",
    schema: { type: "string" },
    example: '"address";q=6000;w=60;quire-cost=1',
  },
  RateLimit: {
    description:
      "What is left of them: `r` units in the next `t` seconds (draft-ietf-httpapi-ratelimit-headers-10, 4).",
    schema: { type: "string" },
    example: '"address";r=5999;t=60',
  },
  "WWW-Authenticate": {
    required: true,
    description: "How to prove who you are (RFC 6750, 3).",
    schema: { type: "string", pattern: "^Bearer " },
    example: 'Bearer realm="quire"',
  },
  "Accept-Encoding": {
    description:
      "The content codings that a body may have; on a 415 that is for its coding, where there is no Accept-Post or Accept-Patch (RFC 9110, 12.5.3).",
    schema: { type: "string", enum: ["identity"] },
    example: "identity",
  },
  "Accept-Post": {
    description: "The media types that a body may have (Linked Data Platform 1.0, 7.1).",
    schema: { type: "string" },
    example: "application/json",
  },
  "Accept-Patch": {
    description: "The media types that a body may have (RFC 5789, 3.1).",
    schema: { type: "string" },
    example: "application/merge-patch+json, application/json",
  },
} as const satisfies Readonly<Record<string, HeaderForm>>;

/**
 * No answer is a page, so nothing in one may run, load or be framed, and none is taken for another type than it has. HSTS
 * is left to who speaks TLS (RFC 6797, 7.2).
 */
export const SECURE_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
} as const;
