import { createMiddleware } from "hono/factory";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { problem } from "./problem.ts";

const SAFE = /^(?:GET|HEAD|OPTIONS)$/;

/**
 * Answers a request that takes longer than this, its arrival included. What it had begun goes on, as nothing takes back a
 * write that the database has: so a write is not said to have failed.
 */
export function timeLimit(ms: number) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const tooLate = new Promise<true>((settle) => {
      timer = setTimeout(settle, ms, true);
    });
    const isTooLate = await Promise.race([next(), tooLate]);
    clearTimeout(timer);
    if (isTooLate === true) return problem(c, SAFE.test(c.req.method) ? "timed_out" : "outcome_unknown");
    return;
  });
  return documented(middleware, { problems: ["timed_out", "outcome_unknown"] });
}
