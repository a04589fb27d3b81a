import { describe, expect, it } from "vitest";
import { SECURE_HEADERS } from "../../../src/interfaces/http/openapi/headers.ts";
import { problemParts, type ProblemKind } from "../../../src/interfaces/http/problem/problem.ts";

/** Every problem with its status. A missing problem does not compile. */
const STATUSES: Readonly<Record<ProblemKind, number>> = {
  malformed_request: 400,
  expectation_failed: 417,
  malformed_utf8: 400,
  malformed_json: 400,
  json_too_deep: 400,
  json_too_complex: 400,
  malformed_idempotency_key: 400,
  authentication_required: 401,
  invalid_session: 401,
  invalid_credentials: 401,
  wrong_password: 403,
  forbidden: 403,
  registration_closed: 403,
  route_not_found: 404,
  user_not_found: 404,
  post_not_found: 404,
  session_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  email_taken: 409,
  idempotency_key_in_use: 409,
  last_admin: 409,
  user_has_posts: 409,
  post_already_published: 409,
  post_not_published: 409,
  version_conflict: 409,
  precondition_failed: 412,
  rate_limited: 429,
  address_busy: 429,
  server_busy: 503,
  transfer_coding_unsupported: 501,
  timed_out: 503,
  body_too_large: 413,
  unsupported_content_coding: 415,
  unsupported_media_type: 415,
  validation_failed: 422,
  current_password_required: 422,
  new_author_unfit: 422,
  content_required: 422,
  publication_in_future: 422,
  idempotency_key_reused: 422,
  precondition_required: 428,
  headers_too_large: 431,
  internal_error: 500,
  password_hashing_failed: 500,
  password_hashing_busy: 503,
  storage_corrupt: 500,
  outcome_unknown: 503,
  storage_unavailable: 503,
  storage_busy: 503,
  schema_outdated: 503,
  storage_full: 507,
  account_quota_exceeded: 507,
};

const TABLE = Object.entries(STATUSES) as [ProblemKind, number][];
const kindsOf = (wanted: number) => TABLE.filter(([, status]) => status === wanted).map(([kind]) => kind);

describe("a problem", () => {
  it.each(TABLE)("%s is a complete problem document with status %i", (kind, status) => {
    const parts = problemParts(kind, "request-1");
    expect(parts.status).toBe(status);
    expect(parts.headers["Content-Type"]).toBe("application/problem+json");
    expect(JSON.parse(parts.body)).toMatchObject({
      type: "about:blank",
      title: expect.stringMatching(/^[A-Z][^.]+$/) as string,
      status,
      detail: expect.stringMatching(/^[\S ]+\.$/) as string,
      code: kind,
      requestId: "request-1",
    });
  });

  it.each(kindsOf(401))("%s has a WWW-Authenticate challenge (RFC 9110, 15.5.2)", (kind) => {
    expect(problemParts(kind, null).headers).toHaveProperty(
      "WWW-Authenticate",
      expect.stringMatching(/^Bearer realm="/),
    );
  });

  it.each([
    "server_busy",
    "address_busy",
    "storage_unavailable",
    "storage_busy",
    "version_conflict",
    "idempotency_key_in_use",
  ] as const)("%s has a Retry-After", (kind) => {
    expect(problemParts(kind, null).headers).toHaveProperty("Retry-After", expect.stringMatching(/^\d+$/));
  });

  it.each(kindsOf(422).filter((kind) => kind !== "validation_failed"))("%s names the field", (kind) => {
    const { errors } = JSON.parse(problemParts(kind, null).body) as { errors: unknown };
    expect(errors).toEqual([
      {
        in: expect.stringMatching(/^(?:body|query|header)$/) as string,
        pointer: expect.stringMatching(/^\/[\w-]+$/) as string,
        code: expect.stringMatching(/^[a-z_]+$/) as string,
        detail: expect.stringMatching(/\.$/) as string,
      },
    ]);
  });

  it("has a null requestId without a request id", () => {
    expect(JSON.parse(problemParts("malformed_request", null).body)).toHaveProperty("requestId", null);
  });

  it("has the headers and the field errors of the case in addition to its own", () => {
    const errors = [{ in: "body", pointer: "/a", code: "unknown_field", detail: "Remove it." }] as const;
    const parts = problemParts("method_not_allowed", "request-1", { headers: { Allow: "GET" }, errors });
    expect(parts.headers).toEqual({
      ...SECURE_HEADERS,
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      Allow: "GET",
    });
    expect(JSON.parse(parts.body)).toMatchObject({ errors });
  });
});
