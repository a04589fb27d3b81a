import { createMiddleware } from "hono/factory";
import { parseAccept } from "hono/utils/accept";
import type { HttpEnv } from "../environment.ts";
import { gzipEtag } from "../etag.ts";

/** In characters or bytes. A shorter body fits into one packet without compression. */
const WORTH_COMPRESSING = 1024;

export function isWorthCompressing(json: string | Uint8Array): boolean {
  return json.length >= WORTH_COMPRESSING;
}

/** Compresses the whole body, and not as a stream: so the server knows how many bytes a slow client has not read. */
export type Gzip = (body: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>;

/**
 * Compresses long answers for clients that accept gzip. The compressed answer has its own ETag, as its bytes differ (RFC 9110,
 * 8.8.3.3). Answers with no-store stay uncompressed, so that their length shows nothing about a secret in them (BREACH).
 *
 * Hono's compress middleware makes the ETag weak, which If-Match does not accept, and compresses short answers too.
 */
export function compression(gzip: Gzip) {
  return createMiddleware<HttpEnv>(async (c, next) => {
    await next();
    const isUnchanged = c.res.status === 304;
    if ((!isUnchanged && c.get("isLong") !== true) || !acceptsGzip(c.req.header("Accept-Encoding"))) return;
    if (c.res.headers.get("Cache-Control") === "no-store") return;
    const tag = c.res.headers.get("ETag");
    const gzipTag = tag === null ? null : gzipEtag(tag);
    if (isUnchanged) {
      // If-None-Match names the one of the two representations that the client has.
      if (gzipTag !== null && c.req.header("If-None-Match")?.includes(gzipTag)) c.res.headers.set("ETag", gzipTag);
      return;
    }
    const body = c.req.method === "HEAD" ? null : await gzip(new Uint8Array(await c.res.arrayBuffer()));
    c.res = new Response(body, c.res);
    c.res.headers.set("Content-Encoding", "gzip");
    if (gzipTag !== null) c.res.headers.set("ETag", gzipTag);
  });
}

/** Leaves the answers as they are, for a platform that compresses them itself. It would compress a compressed body again. */
export const uncompressed = createMiddleware<HttpEnv>(async (_, next) => next());

function acceptsGzip(acceptEncoding: string | undefined): boolean {
  return (
    acceptEncoding !== undefined && parseAccept(acceptEncoding).some(({ type, q }) => /^gzip$/i.test(type) && q > 0)
  );
}
