import { createMiddleware } from "hono/factory";
import { documented } from "./documented.ts";
import type { HttpEnv } from "./environment.ts";
import { SECURE_HEADERS } from "./headers.ts";

/**
 * Gives each answer the secure headers, and those that `c.header` sets before there is an answer: a page sets a policy of
 * its own by it. They are kept in an object, under names that are written alike everywhere, until `c.body` makes the answer,
 * as it does every one here. Hono keeps them in a Headers, which checks, copies and sorts what Node's server checks again:
 * for the eleven of a GET that takes as long as to count it for a limit. `Object.assign` joins them in a tenth of the time
 * that Node 20 needs for a spread.
 */
export const answerHeaders = documented(
  createMiddleware<HttpEnv>(async (c, next) => {
    const headers: Record<string, string> = Object.assign({}, SECURE_HEADERS);
    const changeHeader = c.header;
    c.header = (name, value, options) => {
      const before = options?.append === true ? headers[name] : undefined;
      if (c.finalized) changeHeader(name, value, options);
      else headers[name] = before === undefined ? (value ?? "") : `${before}, ${value}`;
    };
    c.body = ((body: BodyInit | null, status: number, more?: Readonly<Record<string, string>>) =>
      new Response(body, { status, headers: Object.assign({}, headers, more) })) as typeof c.body;
    await next();
  }),
  { responseHeaders: Object.keys(SECURE_HEADERS) as (keyof typeof SECURE_HEADERS)[] },
);
