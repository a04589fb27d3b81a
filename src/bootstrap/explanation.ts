import type { ExitCode } from "./exit-codes.ts";

/** One explanation for each kind of failure: the exit code and the text. */
export type ExplanationsOf<Failure extends { readonly kind: string }> = {
  readonly [Kind in Failure["kind"]]: (
    failure: Extract<Failure, { readonly kind: Kind }>,
  ) => readonly [ExitCode, string];
};
