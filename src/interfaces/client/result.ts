import type { ClientResponse, InferResponseType } from "hono/client";

/** What a call ends with: data alone, so it can be sent to a worker or kept in a store. */
export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** No answer came. A change may have been made: it is known only by reading, or by repeating a POST with its key. */
export interface NetworkError {
  readonly code: "network_error";
  readonly cause: unknown;
}

/** Something else than Quire answered, such as a proxy that is in between. */
export interface UnexpectedAnswer {
  readonly code: "unexpected_answer";
  readonly status: number;
}

type Success = 200 | 201 | 204;

/** What an operation of the app answers with when it succeeds. */
export type ValueOf<Endpoint> = InferResponseType<Endpoint, Success>;

/** What an operation of the app may fail with: its problems (RFC 9457), told apart by `code`. */
export type ErrorOf<Endpoint> =
  Extract<InferResponseType<Endpoint>, { readonly code: string }> | NetworkError | UnexpectedAnswer;

/** Makes a result of an answer of the app, whose types say what it may be. */
export async function resultOf<Endpoint>(
  answer: Promise<ClientResponse<unknown>>,
): Promise<Result<ValueOf<Endpoint>, ErrorOf<Endpoint>>> {
  let response: ClientResponse<unknown>;
  try {
    response = await answer;
  } catch (cause) {
    return { ok: false, error: { code: "network_error", cause } };
  }
  const { status } = response;
  if (status === 204) return { ok: true, value: null as ValueOf<Endpoint> };
  const isProblem = response.headers.get("Content-Type") === "application/problem+json";
  const isJson = response.headers.get("Content-Type") === "application/json";
  if (!isProblem && !(response.ok && isJson)) return { ok: false, error: { code: "unexpected_answer", status } };
  try {
    const body = await response.json();
    return isProblem ? { ok: false, error: body as ErrorOf<Endpoint> } : { ok: true, value: body as ValueOf<Endpoint> };
  } catch (cause) {
    return { ok: false, error: { code: "network_error", cause } };
  }
}
