import { err, type Err } from "neverthrow";

/** neverthrow's `err` for errors with a `kind`. It infers `kind` as a literal, whereas `err` widens it to string. */
export function fail<const E extends { readonly kind: string }>(error: E): Err<never, E> {
  return err(error);
}
