import type { ClientResponse, hc, InferRequestType, InferResponseType } from "hono/client";
import type { App } from "../http/app.ts";
import type { ProblemBody, ProtocolErrorKind } from "../http/problem/problem.ts";
import type { ClientError } from "./result.ts";

/** The operations of the API by path, as the app types them. */
type Operations = ReturnType<typeof hc<App>>["v1"];
export type Posts = Operations["posts"];
export type Users = Operations["users"];
export type Sessions = Operations["sessions"];

/** An operation of the app, as Hono's client types it. */
export type Endpoint = (args: never, options?: never) => Promise<ClientResponse<unknown>>;

type Success = 200 | 201 | 202 | 204;

/** The value of an operation when it succeeds. */
export type ValueOf<Its extends Endpoint> = InferResponseType<Its, Success>;

/** The errors of an operation by `code`: its own problems (RFC 9457), the problems of any request, and a missing answer. */
export type ErrorOf<Its extends Endpoint> =
  | Extract<InferResponseType<Its>, { readonly code: string }>
  | ProblemBody<ProtocolErrorKind | "invalid_session">
  | ClientError;

/** The arguments of an operation. */
export type ArgsOf<Its extends Endpoint> = {
  readonly [Part in keyof InferRequestType<Its>]: Part extends "query"
    ? Typed<InferRequestType<Its>[Part]>
    : InferRequestType<Its>[Part];
};

/** The arguments of a query with their own types. In a URL each argument is text. */
type Typed<Query> = { readonly [Name in keyof Query]: Name extends keyof NoText ? NoText[Name] : Query[Name] };

interface NoText {
  readonly limit: number;
  readonly count: boolean;
  readonly fields: readonly string[];
}

export type JsonOf<Its extends Endpoint> = ArgsOf<Its> extends { readonly json: infer Body } ? Body : never;
export type QueryOf<Its extends Endpoint> = ArgsOf<Its> extends { readonly query: infer Query } ? Query : never;
