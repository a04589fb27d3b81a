import type { ClientResponse, InferRequestType } from "hono/client";
import type { Endpoint, ErrorOf, Result, ValueOf } from "./result.ts";

export interface CallOptions {
  /** Ends the call, and its repetitions. */
  readonly signal?: AbortSignal;
}

export interface RequestOptions extends CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

/** What an operation takes. */
export type ArgsOf<Its extends Endpoint> = {
  readonly [Part in keyof InferRequestType<Its>]: Part extends "query"
    ? Typed<InferRequestType<Its>[Part]>
    : InferRequestType<Its>[Part];
};

/** In a URL everything is text; here what is something else is it. */
type Typed<Query> = { readonly [Name in keyof Query]: Name extends keyof NoText ? NoText[Name] : Query[Name] };

interface NoText {
  readonly limit: number;
  readonly count: boolean;
  readonly fields: readonly string[];
}

/** The text of a query; of a list it has the elements with commas between. */
export function textOf(query: object): URLSearchParams {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}

/** Calls an operation of the app, whose types say what it takes and what it may answer. */
export async function call<Its extends Endpoint>(
  endpoint: Its,
  args: ArgsOf<Its>,
  { signal, headers }: RequestOptions = {},
): Promise<Result<ValueOf<Its>, ErrorOf<Its>>> {
  const failed = (error: ErrorOf<Its>) => ({ ok: false, error }) as const;
  const options = { ...(headers && { headers }), ...(signal && { init: { signal } }) };
  let answer: ClientResponse<unknown>;
  try {
    answer = await endpoint(withSafePath(args) as never, options as never);
  } catch (cause) {
    if (signal?.aborted === true) return failed({ code: "aborted", detail: "The call was ended by its signal." });
    return failed({ code: "network_error", detail: "No answer came from the server.", cause });
  }
  const { status } = answer;
  if (status === 204 || status === 202) return { ok: true, value: null as ValueOf<Its> };
  const [, kind] = /^application\/(json|problem\+json)(?:;|$)/.exec(answer.headers.get("Content-Type") ?? "") ?? [];
  const body = kind === undefined ? null : await parsed(answer);
  if (kind === "json" && answer.ok && body !== null) return { ok: true, value: body as ValueOf<Its> };
  if (kind === "problem+json" && isProblem(body)) return failed(body as ErrorOf<Its>);
  const detail = `Something else than Quire answered, with the status ${status}.`;
  return failed({ code: "unexpected_answer", detail, status });
}

type ItemOf<List extends Endpoint> = ValueOf<List> extends { items: readonly (infer Item)[] } ? Item : never;

/** The end of a list that could not be read whole. */
export interface ListFailure<E> {
  readonly ok: false;
  readonly error: E;
  /** Where to go on: the list with this `cursor` begins after the last item that was given. `null` is the beginning. */
  readonly cursor: string | null;
}

/** The items of a list, which is read page by page as they are asked for; a failure is the last that it gives. */
export async function* itemsOf<List extends Endpoint>(
  list: List,
  args: ArgsOf<List>,
  options?: CallOptions,
): AsyncGenerator<{ readonly ok: true; readonly value: ItemOf<List> } | ListFailure<ErrorOf<List>>, void, void> {
  const { query } = args as { readonly query: object };
  let page = args;
  for (;;) {
    const answer = await call(list, page, options);
    if (!answer.ok) {
      const { cursor = null } = (page as { readonly query: { readonly cursor?: string } }).query;
      yield { ...answer, cursor };
      return;
    }
    const { items, nextCursor } = answer.value as { items: ItemOf<List>[]; nextCursor: string | null };
    for (const value of items) yield { ok: true, value };
    if (nextCursor === null) return;
    page = { ...args, query: { ...query, cursor: nextCursor } };
  }
}

/** What can be no id would lead to another path, as `..` and an empty one do; `-` is the id of nothing. */
function withSafePath(args: object): object {
  if (!("param" in args)) return args;
  const { id } = args.param as { readonly id: string };
  return { ...args, param: { id: /^[\w-]+$/.test(id) ? id : "-" } };
}

/** The body of an answer that says that it is JSON; `null` where it is none. */
async function parsed(answer: ClientResponse<unknown>): Promise<unknown> {
  try {
    return await answer.json();
  } catch {
    return null;
  }
}

function isProblem(body: unknown): boolean {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}
