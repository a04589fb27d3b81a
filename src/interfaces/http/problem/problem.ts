import type { Context, TypedResponse } from "hono";
import * as z from "zod";
import { SECURE_HEADERS } from "../openapi/headers.ts";
import { respond } from "../respond.ts";
import { FieldErrorBody, type FieldError, type ProblemDefinition } from "./definition.ts";
import { PROTOCOL_PROBLEMS } from "./protocol-problems.ts";
import { problemKindOf, USE_CASE_PROBLEMS, type UseCaseError } from "./use-case-problems.ts";

export type { FieldError } from "./definition.ts";
export { STORAGE_PROBLEMS, type StorageProblemKind, type UseCaseError } from "./use-case-problems.ts";

/** The bound of `errors`. Without it, the answer to a body of unknown fields would be fourteen times as long as the body. */
export const MAX_FIELD_ERRORS = 100;

const PROBLEMS = { ...PROTOCOL_PROBLEMS, ...USE_CASE_PROBLEMS };

export type ProtocolErrorKind = keyof typeof PROTOCOL_PROBLEMS;

/** The `code` of a problem, by which programs distinguish problems. */
export type ProblemKind = keyof typeof PROBLEMS;

type StatusOf<Kind extends ProblemKind> = (typeof PROBLEMS)[Kind]["status"];

/** The body of every error (RFC 9457). */
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

/** The body of a problem of this kind. If values are wrong, `errors` has one entry for each. */
export type ProblemBody<Kind extends ProblemKind> = Kind extends ProblemKind
  ? Omit<z.infer<typeof Problem>, "code" | "errors"> & { readonly code: Kind } & (StatusOf<Kind> extends 422
        ? { readonly errors: readonly FieldError[] }
        : unknown)
  : never;

/** An answer with a problem of this kind. Its type has the status and the body, from which a client's types are inferred. */
type ProblemResponse<Kind extends ProblemKind> = Kind extends ProblemKind
  ? Response & TypedResponse<ProblemBody<Kind>, StatusOf<Kind>, "json">
  : never;

interface ProblemExtras {
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldError[];
}

/** The parts of an answer with a problem, for a server that must answer bytes that never became a Request. */
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

/** Answers with the problem of a use case's error, and keeps its cause for the log. */
export function failureProblem<Failure extends UseCaseError>(c: Context, failure: Failure) {
  if ("cause" in failure) c.set("failure", failure);
  return problem(c, problemKindOf(failure));
}
