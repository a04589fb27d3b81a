import type * as z from "zod";
import type { Actor, Viewer } from "../../domain/access.ts";
import type { AbortSignal } from "../../domain/shared/abort-signal.ts";
import type { CountedLimits } from "./middleware/counted-limits.ts";
import type { ProblemKind, UseCaseError } from "./problem/problem.ts";

/** The values that middleware keeps with a request. */
export interface HttpEnv {
  Variables: {
    requestId: string;
    /** The headers of the answer. */
    headers: Record<string, string>;
    /** The prefix of every path in an answer, without a trailing slash. */
    basePath: string;
    /** The user of the session, `null` without one; set for every route behind `identify`. */
    viewer: Viewer;
    /** The failure of the storage or of hashing behind the answer: for the log. */
    failure?: UseCaseError;
    /** The code of the problem in the answer. */
    problemCode?: ProblemKind;
    /** The address that the request comes from, as rate limits count it. */
    clientAddress: string;
    /** The values that schemas have validated in this request. */
    validated?: Map<z.ZodType, unknown>;
    /** The text of the body, once it has arrived. */
    bodyText?: string;
    /** The length of the answer's body in bytes, before compression. */
    bytes?: number;
    /** Aborted when the response is no longer needed: the client has disconnected, or the time limit is over. */
    signal: AbortSignal;
    /** Whether the body is still arriving. */
    isArriving?: boolean;
    /** Whether the request has one of the slots of its address for expensive requests. */
    hasSlot?: boolean;
    /** The rate limits that the request was counted for so far. */
    countedLimits?: CountedLimits;
    /** Whether the answer is long enough for compression. */
    isLong?: boolean;
  };
}

/** The values of a request with a session. */
export interface ActorEnv extends HttpEnv {
  Variables: HttpEnv["Variables"] & { actor: Actor };
}
