import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as z from "zod";

export const FieldErrorBody = z.object({
  in: z.enum(["body", "query", "header"]),
  pointer: z.string(),
  code: z.string(),
  detail: z.string(),
});

/**
 * One wrong value of a request: its location (`pointer`, RFC 6901), the mistake (`code`), and a sentence for the client
 * (`detail`).
 */
export type FieldError = Readonly<z.infer<typeof FieldErrorBody>>;

/** The common parts of every answer with a problem of one code. */
export interface ProblemDefinition {
  readonly status: ContentfulStatusCode;
  readonly title: string;
  /** A sentence for the client: the event, and the next step. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly errors?: readonly FieldError[];
}

export const CHALLENGE = 'Bearer realm="quire"';

/** The failure is transient, so a retry after a second may succeed. */
export const RETRY_SOON = { "Retry-After": "1" };
