/** A server requires a longer wait only when a rate limit is used up. The caller then gets that answer immediately. */
const MAX_RETRY_AFTER_MS = 10_000;
const FIRST_BACKOFF_MS = 200;
const MAX_BACKOFF_MS = 3_000;

/** The server has not executed the request. */
const TOO_MANY_REQUESTS = 429;
/** A proxy answers this while its server restarts. So does a server that is overloaded or without its database. */
const TRANSIENT = new Set([502, 503, 504]);

interface RetryingFetchOptions {
  readonly fetch: typeof globalThis.fetch;
  /** The timeout of one attempt. */
  readonly timeoutMs: number;
  /** The time after the first attempt within which another one may begin. */
  readonly retryForMs: number;
}

/**
 * A fetch with retries: exponential backoff and jitter, bounded by time, so that a server may restart in the meantime. Reads
 * are retried, and so are POSTs by their Idempotency-Key, which every POST gets. A retry follows when no complete
 * answer came, and when the status or a Retry-After shows that the failure is transient. Other changes are retried only
 * after 429.
 */
export function retryingFetch({ fetch, timeoutMs, retryForMs }: RetryingFetchOptions): typeof globalThis.fetch {
  return async (input, init = {}) => {
    const { method, signal } = init;
    const headers = new Headers(init.headers);
    if (method === "POST" && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", `"${randomKey()}"`);
    const isRepeatable = method === "POST" || method === "GET";
    const startedAt = Date.now();
    for (let attempt = 1; ; attempt++) {
      // Half of the delay is random, so that clients that failed together do not retry together.
      const backoffMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (attempt - 1)) * (0.5 + Math.random() / 2);
      const isInTime = (waitMs: number) => Date.now() - startedAt + waitMs <= retryForMs;
      let waitMs = backoffMs;
      try {
        // Quire never redirects, and fetch would turn a redirected POST into a GET.
        const request = { ...init, headers, signal: timeLimited(signal, timeoutMs), redirect: "manual" } as const;
        const response = await fetchWhole(fetch, input, request);
        const { status } = response;
        const requiredMs = isRepeatable || status === TOO_MANY_REQUESTS ? waitBeforeRetry(response) : null;
        if (requiredMs === null || requiredMs > MAX_RETRY_AFTER_MS || !isInTime(requiredMs + backoffMs))
          return response;
        waitMs += requiredMs;
      } catch (thrown) {
        if (!isRepeatable || !isInTime(waitMs)) throw thrown;
      }
      await wait(waitMs, signal);
    }
  };
}

/** Fetches an answer and reads all of it, because the connection may be lost before the end. */
async function fetchWhole(fetch: typeof globalThis.fetch, ...request: Parameters<typeof globalThis.fetch>) {
  const response = await fetch(...request);
  // A browser hides a redirect, and no other response can be made with its status 0.
  if (response.type === "opaqueredirect") return response;
  const text = await response.text();
  return new Response(text === "" ? null : text, response);
}

function timeLimited(signal: AbortSignal | null | undefined, timeoutMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/**
 * The delay that Retry-After requires, in seconds or as a date (RFC 9110, 10.2.3); `null` if a retry would get the same
 * answer.
 */
function waitBeforeRetry({ status, headers }: Response): number | null {
  const value = headers.get("Retry-After") ?? "";
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  if (status >= 400 && !Number.isNaN(ms)) return Math.max(0, ms);
  return TRANSIENT.has(status) ? 0 : null;
}

/** 128 random bits. `crypto.randomUUID` does not exist on pages without TLS. */
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
