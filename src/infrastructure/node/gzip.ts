import { promisify } from "node:util";
import { gzip, gzipSync } from "node:zlib";

/** To compress a shorter body takes less time than to wake up another thread. */
const MIN_THREAD_BYTES = 16_384;

const gzipInThreadPool = promisify(gzip);

/** Compresses a body in one call, a long one outside the event loop. A stream would take longer for each body. */
export async function nodeGzip(body: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return body.length < MIN_THREAD_BYTES ? gzipSync(body) : gzipInThreadPool(body);
}
