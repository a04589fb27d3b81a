import type { Result } from "neverthrow";
import type { UseCases } from "../../../application/application.ts";
import type { NewAuthorMissing, RemovalInterrupted } from "../../../application/users/finish-removals.ts";
import type { StorageFailure, StorageFailureReason } from "../../../domain/shared/storage-failure.ts";
import { CHALLENGE, RETRY_SOON, type ProblemDefinition } from "./definition.ts";

/**
 * Every error of a use case that a client can get. The errors of the background work on deleted users reach the log
 * only, because no client waits for them.
 */
export type UseCaseError = Exclude<
  {
    [Name in keyof UseCases]: Awaited<ReturnType<UseCases[Name]>> extends Result<unknown, infer E> ? E : never;
  }[keyof UseCases],
  RemovalInterrupted | NewAuthorMissing
>;

/** The problem of each reason of a storage failure. */
const STORAGE_PROBLEM_KINDS = {
  unavailable: "storage_unavailable",
  busy: "storage_busy",
  corrupt: "storage_corrupt",
  full: "storage_full",
  // No client reads this response: it has disconnected, or the time limit has responded already.
  cancelled: "storage_unavailable",
  outcome_unknown: "outcome_unknown",
} as const satisfies Readonly<Record<StorageFailureReason, string>>;

export type StorageProblemKind = (typeof STORAGE_PROBLEM_KINDS)[StorageFailureReason];

/** The problems of every operation that uses the storage. */
export const STORAGE_PROBLEMS: readonly StorageProblemKind[] = Object.values(STORAGE_PROBLEM_KINDS);

type UseCaseProblemKind = Exclude<UseCaseError, StorageFailure>["kind"] | StorageProblemKind;

/** The problem of an error. */
export type ProblemKindOf<Failure extends UseCaseError> = Failure extends StorageFailure
  ? StorageProblemKind
  : Failure["kind"];

export function problemKindOf<Failure extends UseCaseError>(failure: Failure): ProblemKindOf<Failure> {
  const error: UseCaseError = failure;
  const kind: UseCaseProblemKind = error.kind === "storage_failure" ? STORAGE_PROBLEM_KINDS[error.reason] : error.kind;
  return kind as ProblemKindOf<Failure>;
}

/** The problem of each error of a use case. An error that is left out does not compile. */
export const USE_CASE_PROBLEMS = {
  invalid_session: {
    status: 401,
    title: "Invalid session",
    detail: "The token is unknown, or its session was revoked or has expired. Log in again with POST /v1/sessions.",
    headers: { "WWW-Authenticate": `${CHALLENGE}, error="invalid_token"` },
  },
  invalid_credentials: {
    status: 401,
    title: "Invalid credentials",
    detail: "No user has this e-mail address and this password. Check both.",
    headers: { "WWW-Authenticate": CHALLENGE },
  },
  wrong_password: {
    status: 403,
    title: "Wrong password",
    detail: "currentPassword is not the password of this user. Check it and retry.",
  },
  current_password_required: {
    status: 422,
    title: "Invalid request",
    detail: "Changing how you log in, or deleting yourself, needs your current password. Send it as currentPassword.",
    errors: [{ in: "body", pointer: "/currentPassword", code: "required", detail: "This field is required." }],
  },
  forbidden: {
    status: 403,
    title: "Forbidden",
    detail:
      "You may change only your own user and posts. Only admins change other users and posts, set a role, reassign posts or set publishedAt.",
  },
  registration_closed: {
    status: 403,
    title: "Registration closed",
    detail: "On this server only admins create users. Ask an admin for an account, or log in as an admin.",
  },
  idempotency_key_reused: {
    status: 422,
    title: "Idempotency-Key reused",
    detail: "This key was used for a request with another path or body. Use a new key for a new request.",
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
    detail: "A request with this key is still in progress. Retry it in a moment to get its answer.",
    headers: RETRY_SOON,
  },
  user_not_found: {
    status: 404,
    title: "User not found",
    detail: "No user that you may see has this id. Check the id.",
  },
  post_not_found: {
    status: 404,
    title: "Post not found",
    detail: "No post that you may see has this id. Check the id.",
  },
  session_not_found: {
    status: 404,
    title: "Session not found",
    detail: "You have no active session with this id. List them with GET /v1/sessions.",
  },
  email_taken: {
    status: 409,
    title: "E-mail address taken",
    detail: "Another user has this e-mail address. Log in, or use another address.",
  },
  last_admin: {
    status: 409,
    title: "Last admin",
    detail: "This user is the only admin. Make another user an admin first, then retry.",
  },
  user_has_posts: {
    status: 409,
    title: "User has posts",
    detail: "Choose what happens to the user's posts: ?posts=delete, or as an admin ?posts=reassign&to=<user id>.",
  },
  new_author_unfit: {
    status: 422,
    title: "Invalid request",
    detail: "The posts cannot be reassigned to this user. Choose another one.",
    errors: [
      {
        in: "query",
        pointer: "/to",
        code: "new_author_unfit",
        detail: "Give the id of an existing user other than the deleted one.",
      },
    ],
  },
  content_required: {
    status: 422,
    title: "Content required",
    detail: "A published post needs content with at least one visible character. Write some before you publish it.",
    errors: [
      {
        in: "body",
        pointer: "/content",
        code: "content_required",
        detail: "A published post needs content with at least one visible character.",
      },
    ],
  },
  publication_in_future: {
    status: 422,
    title: "Invalid request",
    detail: "The time of publication cannot be in the future.",
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
    detail: "The post is already published. To give it a new time of publication, unpublish it first.",
  },
  post_not_published: {
    status: 409,
    title: "Post not published",
    detail: "The post is a draft, and this needs a published post.",
  },
  precondition_failed: {
    status: 412,
    title: "Precondition failed",
    detail: "The resource has changed. Fetch it again and retry with its current ETag.",
  },
  version_conflict: {
    status: 409,
    title: "Version conflict",
    detail: "Others changed this resource at the same time. Fetch it again and retry.",
    headers: RETRY_SOON,
  },
  storage_unavailable: {
    status: 503,
    title: "Storage unavailable",
    detail: "The database does not answer. Retry later.",
    headers: RETRY_SOON,
  },
  storage_busy: {
    status: 503,
    title: "Storage busy",
    detail: "The database is overloaded. Retry later.",
    headers: RETRY_SOON,
  },
  outcome_unknown: {
    status: 503,
    title: "Outcome unknown",
    detail:
      "The change may have been made or not. Retry with the same Idempotency-Key; without a key, fetch the resource first.",
  },
  storage_full: {
    status: 507,
    title: "Storage full",
    detail:
      "The database has no space left. You can still read, delete and shorten posts; retry this when there is space.",
  },
  account_quota_exceeded: {
    status: 507,
    title: "Account quota exceeded",
    detail:
      "The account's storage quota is used up. Delete or shorten posts of this account, then retry. Replay records of Idempotency-Keys count for a day; deleting, shortening and publishing without a key stay possible.",
  },
  storage_corrupt: {
    status: 500,
    title: "Storage corrupt",
    detail: "The database found its own files damaged. Report the request id to the operator.",
  },
  schema_outdated: {
    status: 503,
    title: "Schema outdated",
    detail:
      "The database schema does not fit this release. Restart the server to migrate it, or run the newer release that changed it.",
  },
  password_hashing_failed: {
    status: 500,
    title: "Password hashing failed",
    detail: "The password could not be hashed or compared. Report the request id to the operator.",
  },
  password_hashing_busy: {
    status: 503,
    title: "Password hashing busy",
    detail: "Too many passwords wait to be hashed. Nothing was changed. Retry in a moment.",
    headers: RETRY_SOON,
  },
} as const satisfies Readonly<Record<UseCaseProblemKind, ProblemDefinition>>;
