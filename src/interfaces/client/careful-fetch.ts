const MAX_ATTEMPTS = 4;
/** Who is told to wait longer than this is told so, instead of being kept waiting. */
const MAX_WAIT_MS = 10_000;
const FIRST_WAIT_MS = 200;

/**
 * A fetch that repeats what may be repeated: reads, and POSTs by their Idempotency-Key, which each gets one of. It does so
 * when no answer came, and when the answer says by Retry-After that it is worth it.
 */
export function carefulFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const headers = new Headers(init.headers);
    const isPost = init.method === "POST";
    if (isPost && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", `"${crypto.randomUUID()}"`);
    const attempts = isPost || init.method === "GET" ? MAX_ATTEMPTS : 1;
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === attempts;
      const backoffMs = FIRST_WAIT_MS * 2 ** (attempt - 1);
      try {
        const response = await fetch(input, { ...init, headers });
        const waitMs = retryAfterMs(response);
        if (isLast || waitMs === null || waitMs > MAX_WAIT_MS) return response;
        await response.body?.cancel();
        await wait(Math.max(waitMs, backoffMs));
      } catch (thrown) {
        if (isLast) throw thrown;
        await wait(backoffMs);
      }
    }
  };
}

/** How long an answer asks to wait before the same is asked again (RFC 9110, 10.2.3); `null` where it does not. */
function retryAfterMs({ status, headers }: Response): number | null {
  const seconds = headers.get("Retry-After");
  if (status >= 400 && seconds !== null && /^\d{1,9}$/.test(seconds)) return Number(seconds) * 1000;
  // A write whose outcome nobody knows is repeated as well: it has a key.
  return status === 503 ? 0 : null;
}

async function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
