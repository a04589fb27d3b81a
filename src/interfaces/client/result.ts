/**
 * One wrong value of a request: its location (`pointer`, RFC 6901), the mistake (`code`), and a sentence for the user
 * (`detail`).
 */
export interface FieldError {
  readonly in: "body" | "query" | "header";
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

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

/** The errors that the client reports itself, because it has no answer of the server. */
export type ClientError = NetworkError | Aborted | UnexpectedAnswer;

export interface CallOptions {
  /** Aborts the call, and its retries. */
  readonly signal?: AbortSignal;
}

/** Options of a POST. After all retries have failed, call it again with the same key: it takes effect once. */
export interface PostOptions extends CallOptions {
  /** 16 to 255 visible characters that cannot be guessed. By default each POST gets a new random key. */
  readonly idempotencyKey?: string;
}

/** The failure that ends a list early. */
export interface ListFailure<E> {
  readonly ok: false;
  readonly error: E;
  /** Pass this `cursor` to continue: the list then begins after the last item that was fetched. `null` is the beginning. */
  readonly cursor: string | null;
}

export type ListElement<Item, E> = { readonly ok: true; readonly value: Item } | ListFailure<E>;

/** The items of a list, fetched page by page on demand. A failure ends the list as its last element. */
export interface List<Item, E> extends AsyncGenerator<ListElement<Item, E>, void, void> {
  /**
   * Pass this `cursor` to continue the list later: the new list begins with the page of the last item, so it repeats at most a
   * page, and omits nothing. `null` is the beginning.
   */
  readonly cursor: string | null;
}
