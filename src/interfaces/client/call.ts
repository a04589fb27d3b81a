import type { ClientResponse, InferRequestType } from "hono/client";
import type { Endpoint, ErrorOf, Result, ValueOf } from "./result.ts";

export interface CallOptions {
  /** Aborts the call, and its retries. */
  readonly signal?: AbortSignal;
}

export interface RequestOptions extends CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
}

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

/** The text of a query. A list becomes its elements, comma-separated. */
export function textOf(query: object): URLSearchParams {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}

/**
 * Calls an operation of the app. The types of the app give its arguments and its answers. `Value` narrows the type of
 * the answer if the arguments do, as `fields` does.
 */
export async function call<Its extends Endpoint, Value = ValueOf<Its>>(
  endpoint: Its,
  args: ArgsOf<Its>,
  { signal, headers }: RequestOptions = {},
): Promise<Result<Value, ErrorOf<Its>>> {
  const failed = (error: ErrorOf<Its>) => ({ ok: false, error }) as const;
  const options = { ...(headers && { headers }), ...(signal && { init: { signal } }) };
  let answer: ClientResponse<unknown>;
  try {
    answer = await endpoint(withSafePath(args) as never, options as never);
  } catch (cause) {
    if (signal?.aborted === true) return failed({ code: "aborted", detail: "The call was aborted." });
    return failed({
      code: "network_error",
      detail: "The server did not answer. Check the connection and retry.",
      cause,
    });
  }
  const { status } = answer;
  if (status === 204 || status === 202) return { ok: true, value: null as Value };
  const [, kind] = /^application\/(json|problem\+json)(?:;|$)/.exec(answer.headers.get("Content-Type") ?? "") ?? [];
  const body = kind === undefined ? null : await parsed(answer);
  if (kind === "json" && answer.ok && body !== null) return { ok: true, value: body as Value };
  if (kind === "problem+json" && isProblem(body)) return failed(body as ErrorOf<Its>);
  return failed({ code: "unexpected_answer", detail: sentenceAbout(answer), status });
}

/** Describes a response that is not from Quire. A browser shows a redirect as status 0, without its headers. */
function sentenceAbout({ ok, status, headers }: ClientResponse<unknown>): string {
  const location = status < 200 ? "another URL" : headers.get("Location");
  return ok || location === null
    ? `The answer is not from Quire: it has the status ${status}. Check the URL and any proxy.`
    : `The server redirects to ${location}. Use that URL.`;
}

type ItemOf<List extends Endpoint> = ValueOf<List> extends { items: readonly (infer Item)[] } ? Item : never;

/** The failure that ends a list early. */
export interface ListFailure<E> {
  readonly ok: false;
  readonly error: E;
  /** Pass this `cursor` to continue: the list then begins after the last item that was fetched. `null` is the beginning. */
  readonly cursor: string | null;
}

type ListElement<Item, E> = { readonly ok: true; readonly value: Item } | ListFailure<E>;

/** The items of a list, fetched page by page on demand. A failure ends the list as its last element. */
export interface List<Item, E> extends AsyncGenerator<ListElement<Item, E>, void, void> {
  /**
   * Pass this `cursor` to continue the list later: the new list begins with the page of the last item, so it repeats at most a
   * page, and omits nothing. `null` is the beginning.
   */
  readonly cursor: string | null;
}

type Changing<T> = { -readonly [Name in keyof T]: T[Name] };

/** The list of an operation that returns pages. */
export function listOf<Its extends Endpoint, Item = ItemOf<Its>>(
  endpoint: Its,
  args: ArgsOf<Its>,
  options?: CallOptions,
): List<Item, ErrorOf<Its>> {
  const { query } = args as { readonly query: { readonly cursor?: string } };
  const list: Changing<List<Item, ErrorOf<Its>>> = Object.assign(elements(), { cursor: query.cursor ?? null });
  async function* elements(): AsyncGenerator<ListElement<Item, ErrorOf<Its>>, void, void> {
    for (;;) {
      const { cursor } = list;
      // A parameter that is undefined is not sent.
      const answer = await call(endpoint, { ...args, query: { ...query, cursor: cursor ?? undefined } }, options);
      if (!answer.ok) return yield { ...answer, cursor };
      const { items, nextCursor } = answer.value as { items: Item[]; nextCursor: string | null };
      for (const value of items) yield { ok: true, value };
      if (nextCursor === null) return;
      list.cursor = nextCursor;
    }
  }
  return list;
}

/** An id such as `..` or an empty one would lead to another path. `-` is never an id, so the answer is 404. */
function withSafePath(args: object): object {
  if (!("param" in args)) return args;
  const { id } = args.param as { readonly id: string };
  return { ...args, param: { id: /^[\w-]+$/.test(id) ? id : "-" } };
}

/** The JSON of an answer; `null` if its body is not JSON. */
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
