import type { ClientResponse, InferResponseType } from "hono/client";
import type { FieldError, ProblemBody, ProtocolErrorKind } from "../http/problem/problem.ts";

/** What a call ends with: data alone, so it can be sent to a worker or kept in a store. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** What every error has: `code` tells them apart, `detail` is a sentence, and `errors` says which values are wrong. */
export interface Failure {
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

/** No answer came. A change may have been made: it is known only by reading, or by repeating a POST with its key. */
export interface NetworkError {
  readonly code: "network_error";
  readonly detail: string;
  readonly cause: unknown;
}

/** The signal of the call ended it. As with a network error, a change may have been made. */
export interface Aborted {
  readonly code: "aborted";
  readonly detail: string;
}

/** Something else than Quire answered, such as a proxy that is in between. */
export interface UnexpectedAnswer {
  readonly code: "unexpected_answer";
  readonly detail: string;
  readonly status: number;
}

/** An operation of the app, as hono's client has it. */
export type Endpoint = (args: never, options?: never) => Promise<ClientResponse<unknown>>;

type Success = 200 | 201 | 202 | 204;

/** What an operation answers with when it succeeds. */
export type ValueOf<Its extends Endpoint> = InferResponseType<Its, Success>;

/** What it may fail with, told apart by `code`: its own problems (RFC 9457), those of any request, and no answer. */
export type ErrorOf<Its extends Endpoint> =
  | Extract<InferResponseType<Its>, { readonly code: string }>
  | ProblemBody<ProtocolErrorKind | "invalid_session">
  | NetworkError
  | Aborted
  | UnexpectedAnswer;
