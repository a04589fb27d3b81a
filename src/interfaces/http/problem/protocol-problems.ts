import { CHALLENGE, RETRY_SOON, type ProblemDefinition } from "./definition.ts";

/** The problems of HTTP itself: they arise before a use case is called, or around it. */
export const PROTOCOL_PROBLEMS = {
  malformed_request: {
    status: 400,
    title: "Malformed request",
    detail: "The request is not valid HTTP/1.1. Check the client or the proxy that sent it.",
  },
  headers_too_large: {
    status: 431,
    title: "Headers too large",
    detail: "The request's header fields are too large for this server. Send fewer or shorter ones.",
  },
  expectation_failed: {
    status: 417,
    title: "Expectation failed",
    detail: "This server supports only the expectation 100-continue. Remove the Expect header.",
  },
  transfer_coding_unsupported: {
    status: 501,
    title: "Transfer coding unsupported",
    detail: "This server supports only the transfer coding chunked. Send the body without another one.",
  },
  server_busy: {
    status: 503,
    title: "Server busy",
    detail: "The server is overloaded and has not processed this request. Retry it after the time in Retry-After.",
    headers: RETRY_SOON,
  },
  address_busy: {
    status: 429,
    title: "Too many concurrent requests",
    detail:
      "Your address has too many requests in progress or answers that it has not read. Read those answers, then retry.",
    headers: RETRY_SOON,
  },
  request_timeout: {
    status: 408,
    title: "Request timeout",
    detail: "The request did not arrive in time. Send it again.",
  },
  route_not_found: {
    status: 404,
    title: "No such route",
    detail: "Nothing is at this path. The API is under /v1: users, sessions and posts.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    detail: "This path does not support this method. Use one of those in the Allow header.",
  },
  authentication_required: {
    status: 401,
    title: "Authentication required",
    detail: "Log in with POST /v1/sessions and send the token as 'Authorization: Bearer <token>'.",
    headers: { "WWW-Authenticate": CHALLENGE },
  },
  unsupported_content_coding: {
    status: 415,
    title: "Unsupported content coding",
    detail: "This server accepts no compressed bodies. Send the body uncompressed, without Content-Encoding.",
    // RFC 9110, 12.5.3. A client can then distinguish this 415 from the one for a media type.
    headers: { "Accept-Encoding": "identity" },
  },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    detail: "Send the body as JSON in UTF-8, with a Content-Type of application/json.",
  },
  body_too_large: {
    status: 413,
    title: "Body too large",
    detail: "The body is larger than this route accepts. Send a smaller one.",
  },
  malformed_utf8: {
    status: 400,
    title: "Malformed UTF-8",
    detail: "The body is not valid UTF-8. Encode it as UTF-8.",
  },
  malformed_json: {
    status: 400,
    title: "Malformed JSON",
    detail: "The body is not valid JSON. Correct its syntax.",
  },
  json_too_deep: {
    status: 400,
    title: "JSON too deep",
    detail: "The body nests objects or arrays deeper than 32 levels. Send only the fields of this operation.",
  },
  json_too_complex: {
    status: 400,
    title: "JSON too complex",
    detail:
      "The body has more than 1,024 brackets, commas and colons outside of strings. Send only the fields of this operation.",
  },
  malformed_idempotency_key: {
    status: 400,
    title: "Malformed Idempotency-Key",
    detail:
      'The key must be 16 to 255 visible ASCII characters without " and \\, quoted or not. Generate a random UUID for each new request.',
  },
  validation_failed: {
    status: 422,
    title: "Invalid request",
    detail: "Some values are invalid. Correct each value that errors lists.",
  },
  precondition_required: {
    status: 428,
    title: "Precondition required",
    detail:
      "This server requires If-Match for changes. Fetch the resource and send its ETag as If-Match; 'If-Match: *' overwrites any version.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    detail:
      "A rate limit is used up. Wait for the seconds in Retry-After, then retry. RateLimit and RateLimit-Policy show each limit.",
  },
  timed_out: {
    status: 503,
    title: "Timed out",
    detail: "The request took longer than the server allows. Retry it later, or request less data.",
    headers: RETRY_SOON,
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    detail: "The server failed unexpectedly. Report the request id to the operator.",
  },
} as const satisfies Readonly<Record<string, ProblemDefinition>>;
