import type { Context, TypedResponse } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Result } from "neverthrow";
import { z } from "zod";
import type { UseCases } from "../../application/application.ts";
import type { NewAuthorGone, RemovalInterrupted } from "../../application/users/finish-removals.ts";
import type { StorageFailure, StorageFailureReason } from "../../domain/shared/storage-failure.ts";
import { SECURE_HEADERS } from "./openapi/headers.ts";
import { respond } from "./respond.ts";

/** Every error that a use case can end with. What ends the work on a removal is for the log, as nobody asks for that work. */
export type UseCaseError = Exclude<
  {
    [Name in keyof UseCases]: Awaited<ReturnType<UseCases[Name]>> extends Result<unknown, infer E> ? E : never;
  }[keyof UseCases],
  RemovalInterrupted | NewAuthorGone
>;

/** The errors that arise in HTTP itself, before a use case is asked. */
export type ProtocolErrorKind =
  | "malformed_request"
  | "headers_too_large"
  | "request_timeout"
  | "transfer_coding_unsupported"
  | "server_busy"
  | "address_busy"
  | "expectation_failed"
  | "route_not_found"
  | "method_not_allowed"
  | "authentication_required"
  | "unsupported_content_coding"
  | "unsupported_media_type"
  | "body_too_large"
  | "malformed_utf8"
  | "malformed_json"
  | "malformed_idempotency_key"
  | "json_too_deep"
  | "json_too_complex"
  | "validation_failed"
  | "precondition_required"
  | "rate_limited"
  | "timed_out"
  | "internal_error";

/** The problem that clients see for each reason of a failure of the store. */
const STORAGE_PROBLEM_KINDS = {
  unavailable: "storage_unavailable",
  busy: "storage_busy",
  corrupt: "storage_corrupt",
  full: "storage_full",
  outcome_unknown: "outcome_unknown",
} as const satisfies Readonly<Record<StorageFailureReason, string>>;

type StorageProblemKind = (typeof STORAGE_PROBLEM_KINDS)[StorageFailureReason];

export type ProblemKind = Exclude<UseCaseError, StorageFailure>["kind"] | StorageProblemKind | ProtocolErrorKind;

/** One wrong value of a request: where it is (`pointer`, RFC 6901), what is wrong (`code`), and what to do (`detail`). */
export type FieldError = Readonly<z.infer<typeof FieldErrorBody>>;

const FieldErrorBody = z.object({
  in: z.enum(["body", "query", "header"]),
  pointer: z.string(),
  code: z.string(),
  detail: z.string(),
});

/** A body of unknown fields alone would have an answer fourteen times as long. */
export const MAX_FIELD_ERRORS = 100;

interface ProblemDefinition {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldError[];
}

const CHALLENGE = 'Bearer realm="quire"';
const SOON = { "Retry-After": "1" };

/** Every error that a client can meet. A kind that is left out here does not compile. */
const PROBLEMS = {
  malformed_request: { status: 400, title: "Malformed request", detail: "This is not a valid HTTP/1.1 request." },
  headers_too_large: {
    status: 431,
    title: "Headers too large",
    detail: "The request's header fields are larger than this server takes.",
  },
  expectation_failed: {
    status: 417,
    title: "Expectation failed",
    detail: "Of expectations this server meets 100-continue only. Leave the Expect header out.",
  },
  transfer_coding_unsupported: {
    status: 501,
    title: "Transfer coding unsupported",
    detail: "This server knows the transfer coding chunked only. Send the body without another one.",
  },
  server_busy: {
    status: 503,
    title: "Server busy",
    detail: "The server has more requests than it can serve, and has not begun this one. Repeat it after Retry-After.",
    headers: SOON,
  },
  address_busy: {
    status: 429,
    title: "Too many requests at once",
    detail:
      "Your address has too many requests whose answers are being made or have not been read. Read those, then repeat this one.",
    headers: SOON,
  },
  request_timeout: { status: 408, title: "Request timeout", detail: "The request did not arrive in time." },
  route_not_found: {
    status: 404,
    title: "No such route",
    detail: "Nothing is at this path. The API is under /v1: users, sessions and posts.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    detail: "This path does not take this method; the Allow header has those that it takes.",
  },
  authentication_required: {
    status: 401,
    title: "Authentication required",
    detail: "Log in with POST /v1/sessions and send the token as 'Authorization: Bearer <token>'.",
    headers: { "WWW-Authenticate": CHALLENGE },
  },
  invalid_session: {
    status: 401,
    title: "Invalid session",
    detail: "The token belongs to no session, or its session has ended. Log in again with POST /v1/sessions.",
    headers: { "WWW-Authenticate": `${CHALLENGE}, error="invalid_token"` },
  },
  invalid_credentials: {
    status: 401,
    title: "Invalid credentials",
    detail: "No user has this e-mail address and this password.",
    headers: { "WWW-Authenticate": CHALLENGE },
  },
  wrong_password: {
    status: 403,
    title: "Wrong password",
    detail: "currentPassword is not the password of this user.",
  },
  current_password_required: {
    status: 422,
    title: "Invalid request",
    detail: "To change how you log in, or to delete yourself, give your current password as currentPassword.",
    errors: [{ in: "body", pointer: "/currentPassword", code: "required", detail: "This field is required." }],
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    detail:
      "You may change what is yours. Only an admin changes what is another's, gives a role, reassigns posts or sets publishedAt.",
  },
  registration_closed: {
    status: 403,
    title: "Registration closed",
    detail: "On this server only admins create users. Ask an admin for an account, or log in as an admin.",
  },
  unsupported_content_coding: {
    status: 415,
    title: "Unsupported content coding",
    detail: "This server decodes no content coding. Send the body as it is, without compression and Content-Encoding.",
    // RFC 9110, 12.5.3: so that a client tells this 415 from that of a media type.
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
    detail: "The body is larger than this route takes.",
  },
  malformed_utf8: {
    status: 400,
    title: "Malformed UTF-8",
    detail: "The body is not valid UTF-8.",
  },
  malformed_json: {
    status: 400,
    title: "Malformed JSON",
    detail: "The body is not valid JSON.",
  },
  json_too_deep: {
    status: 400,
    title: "JSON too deep",
    detail: "The body nests objects or arrays deeper than 32 levels. Send the fields of this operation alone.",
  },
  json_too_complex: {
    status: 400,
    title: "JSON too complex",
    detail:
      "The body has more than 1,024 brackets, commas and colons outside of strings. Send the fields of this operation alone.",
  },
  malformed_idempotency_key: {
    status: 400,
    title: "Malformed Idempotency-Key",
    detail:
      'The key must be 16 to 255 visible ASCII characters without " and \\, in quotes or bare. Make a random UUID for each request that is not a repetition.',
  },
  idempotency_key_reused: {
    status: 422,
    title: "Idempotency-Key reused",
    detail: "This key is that of another request, with another path or body. Use a new key for a new request.",
    errors: [
      {
        in: "header",
        pointer: "/Idempotency-Key",
        code: "idempotency_key_reused",
        detail: "Use a new key, or repeat the first request exactly.",
      },
    ],
  },
  idempotency_key_in_use: {
    status: 409,
    title: "Idempotency-Key in use",
    detail: "A request with this key is being done. Repeat it in a moment to get its answer.",
    headers: SOON,
  },
  validation_failed: {
    status: 422,
    title: "Invalid request",
    detail: "Some values are not accepted; errors has one entry for each.",
  },
  user_not_found: { status: 404, title: "User not found", detail: "No user has this id." },
  post_not_found: { status: 404, title: "Post not found", detail: "No post that you may see has this id." },
  session_not_found: { status: 404, title: "Session not found", detail: "You have no session with this id." },
  email_taken: {
    status: 409,
    title: "E-mail address taken",
    detail: "Another user has this e-mail address. Log in, or use another address.",
  },
  last_admin: {
    status: 409,
    title: "Last admin",
    detail: "This user is the only admin. Make another user an admin first, then repeat the request.",
  },
  user_has_posts: {
    status: 409,
    title: "User has posts",
    detail: "Say what becomes of the posts: ?posts=delete, or as an admin ?posts=reassign&to=<user id>.",
  },
  new_author_unfit: {
    status: 422,
    title: "Invalid request",
    detail: "The posts cannot go to this user.",
    errors: [
      {
        in: "query",
        pointer: "/to",
        code: "new_author_unfit",
        detail: "Name a user who exists and is not the one deleted.",
      },
    ],
  },
  content_required: {
    status: 422,
    title: "Content required",
    detail: "A published post needs content.",
    errors: [
      {
        in: "body",
        pointer: "/content",
        code: "content_required",
        detail: "A published post needs content that is not blank.",
      },
    ],
  },
  publication_in_future: {
    status: 422,
    title: "Invalid request",
    detail: "A post is not published before its time.",
    errors: [
      {
        in: "body",
        pointer: "/publishedAt",
        code: "publication_in_future",
        detail: "Give a time in the past, or leave this out to publish now.",
      },
    ],
  },
  post_already_published: {
    status: 409,
    title: "Post already published",
    detail: "The post is public. To give it a new time of publication, unpublish it first.",
  },
  post_not_published: { status: 409, title: "Post not published", detail: "The post is a draft." },
  precondition_failed: {
    status: 412,
    title: "Precondition failed",
    detail:
      "The resource is at no version that If-Match and If-None-Match allow. Read it again and repeat with its ETag.",
  },
  precondition_required: {
    status: 428,
    title: "Precondition required",
    detail:
      "Send the ETag of what you have read as If-Match, so that no change of others is lost; or send 'If-Match: *'.",
  },
  version_conflict: {
    status: 409,
    title: "Version conflict",
    detail: "Others keep changing this resource. Read it again and repeat.",
    headers: SOON,
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    detail:
      "The request costs more than RateLimit says is left of a limit in RateLimit-Policy. Wait for Retry-After seconds.",
  },
  timed_out: {
    status: 503,
    title: "Timed out",
    detail: "This takes longer than the server gives it. Try again later, or ask for less.",
    headers: SOON,
  },
  storage_unavailable: {
    status: 503,
    title: "Storage unavailable",
    detail: "The database does not answer. Try again later.",
    headers: SOON,
  },
  storage_busy: {
    status: 503,
    title: "Storage busy",
    detail: "The database has too much to do. Try again later.",
    headers: SOON,
  },
  outcome_unknown: {
    status: 503,
    title: "Outcome unknown",
    detail:
      "Nobody knows whether the change was made. Repeat the request with its Idempotency-Key; without one, read first whether the change is there.",
  },
  storage_full: {
    status: 507,
    title: "Storage full",
    detail:
      "The database has no space left to write. Reading goes on, and so do deleting posts and making them shorter; try again when there is space.",
  },
  account_quota_exceeded: {
    status: 507,
    title: "Account quota exceeded",
    detail:
      "The account would store more than this server allows one. Delete or shorten posts of it first; shortening, deleting and publishing without an Idempotency-Key go on. What is kept for repetitions of requests counts for a day.",
  },
  storage_corrupt: {
    status: 500,
    title: "Storage corrupt",
    detail: "The database found its own files damaged. Tell the operator, with the request id.",
  },
  schema_outdated: {
    status: 503,
    title: "Schema outdated",
    detail:
      "The database's schema is not one that this program works with. Restart the server to migrate it, or run the newer release that has changed it.",
  },
  password_hashing_failed: {
    status: 500,
    title: "Password hashing failed",
    detail: "The password could not be hashed or compared. Tell the operator, with the request id.",
  },
  password_hashing_busy: {
    status: 503,
    title: "Password hashing busy",
    detail: "Too many passwords wait to be hashed or compared. Nothing was changed. Try again in a moment.",
    headers: SOON,
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    detail: "The server failed. Tell the operator, with the request id.",
  },
} as const satisfies Readonly<Record<ProblemKind, ProblemDefinition>>;

type StatusOf<Kind extends ProblemKind> = (typeof PROBLEMS)[Kind]["status"];

/** The body of every error (RFC 9457). `code` is what programs tell problems apart by. */
export const Problem = z.object({
  // RFC 9457, 3.1: without a page to point to, the type is about:blank.
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(Object.keys(PROBLEMS) as ProblemKind[]),
  requestId: z.string().nullable(),
  errors: z.array(FieldErrorBody).max(MAX_FIELD_ERRORS).optional(),
});

/** The body of a problem of this kind; where values are wrong, `errors` has one entry for each. */
export type ProblemBody<Kind extends ProblemKind> = Kind extends ProblemKind
  ? Omit<z.infer<typeof Problem>, "code" | "errors"> & { readonly code: Kind } & (StatusOf<Kind> extends 422
        ? { readonly errors: readonly FieldError[] }
        : unknown)
  : never;

/** The answer that a problem of this kind is, with its status in its type: a client's types are inferred from it. */
type ProblemResponse<Kind extends ProblemKind> = Kind extends ProblemKind
  ? Response & TypedResponse<ProblemBody<Kind>, StatusOf<Kind>, "json">
  : never;

/** What any request may end with that asks the database. */
export const STORAGE_PROBLEMS: readonly StorageProblemKind[] = Object.values(STORAGE_PROBLEM_KINDS);

interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldError[];
}

/** A problem's answer in parts: for a server that must answer what never became a Request. */
export function problemParts(kind: ProblemKind, requestId: string | null, extras: ProblemExtras = {}) {
  const { status, title, detail, headers, errors }: ProblemDefinition = PROBLEMS[kind];
  return {
    status,
    headers: {
      ...SECURE_HEADERS,
      "Content-Type": "application/problem+json",
      "Cache-Control": "no-store",
      ...headers,
      ...extras.headers,
    },
    body: JSON.stringify({
      type: "about:blank",
      title,
      status,
      detail,
      code: kind,
      requestId,
      errors: extras.errors ?? errors,
    }),
  };
}

/** Answers with problem details (RFC 9457). */
export function problem<Kind extends ProblemKind>(c: Context, kind: Kind, extras?: ProblemExtras) {
  const { status, headers, body } = problemParts(kind, c.get("requestId") ?? null, extras);
  c.set("problemCode", kind);
  return respond(c, body, status, headers) as Response as ProblemResponse<Kind>;
}

type ProblemKindOf<Failure extends UseCaseError> = Failure extends StorageFailure
  ? StorageProblemKind
  : Failure["kind"];

function problemKindOf<Failure extends UseCaseError>(failure: Failure) {
  const error: UseCaseError = failure;
  const kind = error.kind === "storage_failure" ? STORAGE_PROBLEM_KINDS[error.reason] : error.kind;
  return kind as ProblemKindOf<Failure>;
}

/** Answers with the problem that a use case's error is, and keeps for the log what is not for the client. */
export function failureProblem<Failure extends UseCaseError>(c: Context, failure: Failure) {
  if ("cause" in failure) c.set("failure", failure);
  return problem(c, problemKindOf(failure));
}
