import type * as z from "zod";
import type { RequestHeader, ResponseHeader } from "./headers.ts";
import type { ProblemKind } from "../problem/problem.ts";

/** The part of a description that a middleware adds to every operation behind it. */
export interface Documentation {
  /** The path parameters that it reads, as an object. */
  readonly path?: z.ZodType;
  /** The query parameters that it reads, as an object. */
  readonly query?: z.ZodType;
  /**
   * The JSON body that it reads. The document lists it as `application/json` only, even if a merge patch is accepted
   * too: a client that is generated for two media types sends none.
   */
  readonly body?: z.ZodType;
  readonly isBodyOptional?: boolean;
  /** The request headers that it reads, and whether it refuses a request without them. */
  readonly requestHeaders?: Readonly<Partial<Record<RequestHeader, "required" | "optional">>>;
  /** The headers that it sets on every answer. */
  readonly responseHeaders?: readonly ResponseHeader[];
  /** Whether the operation needs a session, or uses one. */
  readonly bearer?: "required" | "optional";
  /** The units of the rate limits beyond the one unit of every request, as a part of a sentence. */
  readonly cost?: string;
  /** The problems that it answers with. */
  readonly problems?: readonly ProblemKind[];
  /** The additional headers of a problem at this operation. */
  readonly problemHeaders?: Readonly<Partial<Record<ProblemKind, ResponseHeader>>>;
}

const DOCUMENTATION = Symbol("documentation");

/** Attaches its documentation to a middleware, so that the document of the API describes the code that runs. */
export function documented<Middleware extends object>(middleware: Middleware, documentation: Documentation) {
  Object.defineProperty(middleware, DOCUMENTATION, { value: documentation });
  return middleware;
}

export function documentationOf(middleware: object): Documentation {
  return (middleware as { readonly [DOCUMENTATION]?: Documentation })[DOCUMENTATION] ?? {};
}
