import { err, type Err } from "neverthrow";

/** neverthrow's `err`, for errors that are told apart by `kind`: it keeps the literal where `err` widens it to string. */
export function fail<const E extends { readonly kind: string }>(error: E): Err<never, E> {
  return err(error);
}
