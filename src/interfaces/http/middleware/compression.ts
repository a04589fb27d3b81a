import { createMiddleware } from "hono/factory";
import { parseAccept } from "hono/utils/accept";
import type { HttpEnv } from "../environment.ts";
import { gzipEtag } from "../etag.ts";

/** In characters. What is shorter fits into a packet as it is. */
const WORTH_COMPRESSING = 1024;

export function isWorthCompressing(json: string): boolean {
  return json.length >= WORTH_COMPRESSING;
}

/**
 * Sends in gzip what is long, where the client takes it, under a tag of its own: it has other bytes (RFC 9110, 8.8.3.3).
 * What may not be stored stays as it is, so that the length of an answer tells nothing of a secret in it (BREACH).
 *
 * Hono's own makes the tag weak, with which nobody could edit by If-Match, and compresses what is short.
 */
export const compression = createMiddleware<HttpEnv>(async (c, next) => {
  await next();
  const isUnchanged = c.res.status === 304;
  if ((!isUnchanged && c.get("isLong") !== true) || !takesGzip(c.req.header("Accept-Encoding"))) return;
  if (c.res.headers.get("Cache-Control") === "no-store") return;
  const tag = c.res.headers.get("ETag");
  const gzipTag = tag === null ? null : gzipEtag(tag);
  if (isUnchanged) {
    // Which of the two the client has, it says itself.
    if (gzipTag !== null && c.req.header("If-None-Match")?.includes(gzipTag)) c.res.headers.set("ETag", gzipTag);
    return;
  }
  const body = c.req.method === "HEAD" || c.res.body === null ? null : await gzip(c.res.body);
  c.res = new Response(body, c.res);
  c.res.headers.set("Content-Encoding", "gzip");
  if (gzipTag !== null) c.res.headers.set("ETag", gzipTag);
});

/** Whole, and not as a stream: then the server knows how many bytes wait for a client that does not read. */
async function gzip(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(body.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
}

function takesGzip(acceptEncoding: string | undefined): boolean {
  return (
    acceptEncoding !== undefined && parseAccept(acceptEncoding).some(({ type, q }) => /^gzip$/i.test(type) && q > 0)
  );
}
