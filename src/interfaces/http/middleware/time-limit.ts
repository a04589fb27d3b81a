import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { abortSource } from "../../../domain/shared/abort-signal.ts";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { problem } from "../problem/problem.ts";

/** Calls a function once after a delay. It returns a function that cancels the call. */
export type Timer = (ms: number, run: () => void) => () => void;

export const runtimeTimer: Timer = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/** Runs something once the client of a request has disconnected, or has its response. */
export type OnDisconnect = (c: Context, run: () => void) => void;

/** By the request's own signal, which every runtime has. */
export const onRequestAborted: OnDisconnect = (c, run) =>
  c.req.raw.signal.addEventListener("abort", run, { once: true });

/** Hono answers a thrown Error with `onError`. Any other thrown value would get no answer. */
function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error("A value that is no Error was thrown.", { cause: thrown });
}

const SAFE = /^(?:GET|HEAD|OPTIONS)$/;

/**
 * Responds to a request that takes longer than the limit, and aborts the signal of the request. A statement that has
 * not begun is skipped. A statement that has begun continues, because a write cannot be taken back, so the response to
 * a write says that its outcome is unknown. The time in which the body arrives is not counted; the server that runs the
 * API limits that.
 */
export function timeLimit(ms: number, startTimer: Timer, onDisconnect: OnDisconnect) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    let cancel: (() => void) | undefined;
    const cancellation = abortSource();
    onDisconnect(c, cancellation.abort);
    c.set("signal", cancellation.signal);
    const isTooLate = await new Promise<boolean>((settle, refuse) => {
      const expire = () => {
        if (c.get("isArriving") === true) cancel = startTimer(ms, expire);
        else settle(true);
      };
      cancel = startTimer(ms, expire);
      next().then(
        () => settle(false),
        (thrown: unknown) => refuse(asError(thrown)),
      );
    });
    cancel?.();
    if (!isTooLate) return;
    cancellation.abort();
    return problem(c, SAFE.test(c.req.method) ? "timed_out" : "outcome_unknown");
  });
  return documented(middleware, { problems: ["timed_out", "outcome_unknown"] });
}
