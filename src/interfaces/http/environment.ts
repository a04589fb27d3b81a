import type { Actor, Viewer } from "../../domain/access.ts";
import type { CountedLimits } from "./middleware/counted-limits.ts";
import type { ProblemKind, UseCaseError } from "./problem.ts";

/** What travels with a request through the middleware. */
export interface HttpEnv {
  Variables: {
    requestId: string;
    /** Those of the answer that is to come. */
    headers: Record<string, string>;
    /** What stands before every path that a client is told, without a slash at its end. */
    basePath: string;
    /** Who looks; set for every route behind `identify`. */
    viewer: Viewer;
    /** The failure of the store or of hashing that the request ended with: for the log. */
    failure?: UseCaseError;
    /** The code of the problem that the request is answered with. */
    problemCode?: ProblemKind;
    /** How long the body of the answer is, before it is compressed. */
    bytes?: number;
    /** Aborted once nobody waits for the response: the client has gone, or the time limit is over. */
    signal: AbortSignal;
    /** Whether the body is being waited for. */
    isArriving?: boolean;
    /** Whether it has one of the turns of its address for what costs much. */
    hasTurn?: boolean;
    /** The rate limits that the request was counted for so far. */
    countedLimits?: CountedLimits;
    /** Whether the answer is long enough for compression. */
    isLong?: boolean;
  };
}

/** A request of somebody who has a session. */
export interface ActorEnv extends HttpEnv {
  Variables: HttpEnv["Variables"] & { actor: Actor };
}
