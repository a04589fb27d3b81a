import type { ClientResponse, InferResponseType } from "hono/client";
import type { FieldError, ProblemBody, ProtocolErrorKind } from "../http/problem/problem.ts";

/** The result of a call. It is plain data, so it can be sent to a worker or stored. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** The fields of every error: `code` identifies it, `detail` is a sentence, and `errors` lists the wrong values. */
export interface Failure {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

/** No answer came. A change may have taken effect. To find out, read the resource, or repeat a POST with its key. */
export interface NetworkError {
  readonly code: "network_error";
  readonly detail: string;
  readonly cause: unknown;
}

/** The signal of the call ended it. As with a network error, a change may have taken effect. */
export interface Aborted {
  readonly code: "aborted";
  readonly detail: string;
}

/** The answer is not from Quire, but for example from a proxy in between. */
export interface UnexpectedAnswer {
  readonly code: "unexpected_answer";
  readonly detail: string;
  readonly status: number;
}

/** An operation of the app, as Hono's client types it. */
export type Endpoint = (args: never, options?: never) => Promise<ClientResponse<unknown>>;

type Success = 200 | 201 | 202 | 204;

/** The value of an operation when it succeeds. */
export type ValueOf<Its extends Endpoint> = InferResponseType<Its, Success>;

/** The errors of an operation by `code`: its own problems (RFC 9457), the problems of any request, and a missing answer. */
export type ErrorOf<Its extends Endpoint> =
  | Extract<InferResponseType<Its>, { readonly code: string }>
  | ProblemBody<ProtocolErrorKind | "invalid_session">
  | NetworkError
  | Aborted
  | UnexpectedAnswer;
