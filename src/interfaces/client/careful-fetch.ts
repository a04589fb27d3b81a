const MAX_ATTEMPTS = 4;
/** Who is told to wait longer than this is told so, instead of being kept waiting. */
const MAX_WAIT_MS = 10_000;
const FIRST_BACKOFF_MS = 200;

/** What is answered by a server that did nothing of it, and would do it another time. */
const TOO_MANY_REQUESTS = 429;
/** What a proxy answers while its server is replaced, and a server that cannot do it now. */
const PASSING = new Set([502, 503, 504]);

/**
 * A fetch that waits for an answer no longer than `timeoutMs`, and repeats what may be repeated: reads, and POSTs by their
 * Idempotency-Key, which each gets one of. It does so when no whole answer came, and when the answer says that it is worth
 * it. Other changes are repeated only when they were refused for their number.
 */
export function carefulFetch(fetch: typeof globalThis.fetch, timeoutMs: number): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const { method, signal } = init;
    const headers = new Headers(init.headers);
    if (method === "POST" && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", `"${randomKey()}"`);
    const isRepeatable = method === "POST" || method === "GET";
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === MAX_ATTEMPTS;
      let waitMs = 0;
      try {
        // Quire redirects nobody, and who redirects a POST makes a GET of it.
        const request = { ...init, headers, signal: timeLimited(signal, timeoutMs), redirect: "error" } as const;
        const response = await fetchWhole(fetch, input, request);
        const { status } = response;
        const askedMs = isRepeatable || status === TOO_MANY_REQUESTS ? waitBeforeRepeating(response) : null;
        if (isLast || askedMs === null || askedMs > MAX_WAIT_MS) return response;
        waitMs = askedMs;
      } catch (thrown) {
        if (isLast || !isRepeatable) throw thrown;
      }
      // With half of it by chance, so that clients that failed together do not come back together.
      const backoffMs = FIRST_BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      await wait(waitMs + backoffMs, signal);
    }
  };
}

/** Fetches an answer and reads all of it, as its connection may be lost before its end. */
async function fetchWhole(fetch: typeof globalThis.fetch, ...request: Parameters<typeof globalThis.fetch>) {
  const response = await fetch(...request);
  const text = await response.text();
  return new Response(text === "" ? null : text, response);
}

function timeLimited(signal: AbortSignal | null | undefined, timeoutMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/**
 * How long to wait before the same is asked again: as Retry-After says, in seconds or as a time (RFC 9110, 10.2.3); `null`
 * where that is not worth it.
 */
function waitBeforeRepeating({ status, headers }: Response): number | null {
  const value = headers.get("Retry-After") ?? "";
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  if (status >= 400 && !Number.isNaN(ms)) return Math.max(0, ms);
  return PASSING.has(status) ? 0 : null;
}

/** 128 random bits. `crypto.randomUUID` is not there on pages that came without TLS. */
function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function wait(ms: number, signal: AbortSignal | null | undefined): Promise<void> {
  signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, ms);
    signal?.addEventListener("abort", end, { once: true });
  });
}
