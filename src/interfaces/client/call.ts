import type { ClientResponse } from "hono/client";
import type { ArgsOf, Endpoint, ErrorOf, ValueOf } from "./endpoint.ts";
import type { CallOptions, List, ListElement, Result } from "./result.ts";

export interface RequestOptions extends CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
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

type Changing<T> = { -readonly [Name in keyof T]: T[Name] };

/** The list of an operation that returns pages. */
export function listOf<Its extends Endpoint, Item>(
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
