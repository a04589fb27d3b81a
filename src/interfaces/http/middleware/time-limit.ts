import { createMiddleware } from "hono/factory";
import { documented } from "../openapi/documented.ts";
import type { HttpEnv } from "../environment.ts";
import { problem } from "../problem.ts";

/** Runs something once after some time; what it gives back cancels that. */
export type Timer = (ms: number, run: () => void) => () => void;

export const runtimeTimer: Timer = (ms, run) => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

const SAFE = /^(?:GET|HEAD|OPTIONS)$/;

/**
 * Answers a request that takes longer than this. What it had begun goes on, as nothing takes back a write that the
 * database has: so a write is not said to have failed. While its body arrives nothing is begun, and how long that may take
 * is for whoever serves the API to say.
 */
export function timeLimit(ms: number, startTimer: Timer) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    let cancel: (() => void) | undefined;
    const isTooLate = await new Promise<boolean>((settle, refuse) => {
      const expire = () => {
        if (c.get("isArriving") === true) cancel = startTimer(ms, expire);
        else settle(true);
      };
      cancel = startTimer(ms, expire);
      next().then(() => settle(false), refuse);
    });
    cancel?.();
    if (isTooLate) return problem(c, SAFE.test(c.req.method) ? "timed_out" : "outcome_unknown");
    return;
  });
  return documented(middleware, { problems: ["timed_out", "outcome_unknown"] });
}
