import { createMiddleware } from "hono/factory";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { problem } from "./problem.ts";

const SAFE = /^(?:GET|HEAD|OPTIONS)$/;

/**
 * Answers a request that takes longer than this. What it had begun goes on, as nothing takes back a write that the
 * database has: so a write is not said to have failed. While its body arrives nothing is begun, and how long that may take
 * is for whoever serves the API to say.
 */
export function timeLimit(ms: number) {
  const middleware = createMiddleware<HttpEnv>(async (c, next) => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const isTooLate = await new Promise<boolean>((settle, refuse) => {
      const expire = () => {
        if (c.get("isArriving") === true) timer = setTimeout(expire, ms);
        else settle(true);
      };
      timer = setTimeout(expire, ms);
      next().then(() => settle(false), refuse);
    });
    clearTimeout(timer);
    if (isTooLate) return problem(c, SAFE.test(c.req.method) ? "timed_out" : "outcome_unknown");
    return;
  });
  return documented(middleware, { problems: ["timed_out", "outcome_unknown"] });
}
