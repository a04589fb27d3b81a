import { createServer } from "node:http";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { openMemoryStorage } from "../../../src/infrastructure/memory/memory-storage.ts";
import {
  createClient,
  excerptParts,
  type Client,
  type ClientError,
  type ClientOptions,
  type OperationError,
  type Post,
  type Result,
} from "../../../src/interfaces/client/client.ts";
import { openApi } from "../../support/api.ts";
import { PASSWORD } from "../../../src/testing/test-app.ts";
import { listening } from "../../support/listening.ts";

/** A simulated network: it forwards a request or not, and returns the answer or not. */
type Network = (request: Request, send: (request: Request) => Promise<Response>) => Promise<Response>;

/** A client on the API in memory, with the requests that it has sent. */
function openClient(network: Network = async (request, send) => send(request), options: Partial<ClientOptions> = {}) {
  const { app } = openApi(openMemoryStorage());
  const sent: Request[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    sent.push(request.clone());
    return network(request, async (passed) => app.request(passed));
  };
  return { quire: createClient({ url: "http://quire.example", fetch, ...options }), sent };
}

async function openAuthor(network?: Network) {
  const opened = openClient(network);
  const email = `author-${crypto.randomUUID()}@example.org`;
  valueOf(await opened.quire.users.register({ name: "Ada", email, password: PASSWORD }));
  valueOf(await opened.quire.logIn({ email, password: PASSWORD }));
  return opened;
}

function valueOf<T>(result: Result<T, { readonly code: string }>): T {
  if (!result.ok) expect.fail(`${result.error.code}, though it should have succeeded`);
  return result.value;
}

function codeOf(result: Result<unknown, { readonly code: string }>): string {
  return result.ok ? "no error" : result.error.code;
}

/** Returns these answers first, one for each request. Later requests reach the server. */
function answering(...answers: readonly (() => Response | Promise<Response>)[]): Network {
  const left = [...answers];
  return async (request, send) => (left.shift() ?? (async () => send(request)))();
}

const problemOf = (code: string, status: number, headers: Record<string, string> = {}) =>
  Response.json({ code, detail: "…" }, { status, headers: { "Content-Type": "application/problem+json", ...headers } });

const badGateway = () =>
  new Response("<h1>Bad Gateway</h1>", { status: 502, headers: { "Content-Type": "text/html" } });

/** An answer whose connection breaks after the beginning. */
function cutAnswer(): Response {
  const body = new ReadableStream({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode('{"items":['));
      controller.error(new TypeError("terminated"));
    },
  });
  return new Response(body, { headers: { "Content-Type": "application/json" } });
}

/** Never answers, until the request is aborted. */
const silent: Network = async ({ signal }) => {
  signal.throwIfAborted();
  return new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(signal.reason as Error)));
};

const NO_POST = "00000000-0000-7000-8000-000000000000";

async function titlesIn(posts: AsyncIterable<Result<Post, { readonly code: string }>>): Promise<string[]> {
  const titles: string[] = [];
  for await (const post of posts) titles.push(valueOf(post).title);
  return titles;
}

/** Loses the answers to the first `count` requests of a method. `reaches`: these requests reach the server. */
function losing(method: string, count: number, reaches: boolean): Network {
  let lost = 0;
  return async (request, send) => {
    if (request.method !== method || !request.url.endsWith("/v1/posts") || lost++ >= count) return send(request);
    if (reaches) await send(request);
    throw new TypeError("fetch failed");
  };
}

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("createClient", () => {
  it.each([undefined, "", "localhost:3000", "/v1", "ftp://quire.example", "http://"])(
    "throws immediately for the url %j",
    (url) => {
      expect(() => createClient({ url } as ClientOptions)).toThrow(
        "createClient needs the url of a server, such as http://127.0.0.1:3000.",
      );
    },
  );
});

describe("the typed client", () => {
  it("creates, reads, edits, publishes, unpublishes and deletes a post", async () => {
    const { quire } = await openAuthor();
    const written = valueOf(await quire.posts.create({ title: "One", content: "First words." }));
    const edited = valueOf(await quire.posts.update(written, { title: "Another" }));
    expect(edited).toMatchObject({ id: written.id, title: "Another", version: 2 });
    const published = valueOf(await quire.posts.publish(edited));
    expect(valueOf(await quire.posts.get(written.id))).toEqual(published);
    expect(valueOf(await quire.posts.unpublish(published)).status).toBe("draft");
    const now = valueOf(await quire.posts.get(written.id));
    expect(valueOf(await quire.posts.delete(now))).toBeNull();
    expect(codeOf(await quire.posts.get(written.id))).toBe("post_not_found");
  });

  it("changes a user and a password, and deletes the user", async () => {
    const { quire } = openClient();
    const user = valueOf(await quire.users.register({ name: "Ada", email: "ada@example.org", password: PASSWORD }));
    expect(codeOf(await quire.users.update(user, { name: "Grace" }))).toBe("authentication_required");
    valueOf(await quire.logIn({ email: "ada@example.org", password: PASSWORD }));
    const changed = valueOf(await quire.users.update(user, { name: "Grace" }));
    const newPassword = "another horse entirely";
    valueOf(await quire.users.changePassword(user.id, { currentPassword: PASSWORD, newPassword }));
    const now = valueOf(await quire.users.get(user.id));
    expect(now.name).toBe(changed.name);
    expect(valueOf(await quire.users.me())).toEqual(now);
    expect(codeOf(await quire.users.delete(now))).toBe("current_password_required");
    expect(codeOf(await quire.users.update(now, { email: "grace@example.org" }))).toBe("current_password_required");
    const proof = { currentPassword: newPassword };
    const moved = valueOf(await quire.users.update(now, { email: "grace@example.org", ...proof }));
    expect(valueOf(await quire.users.delete(moved, { posts: "delete", ...proof }))).toBeNull();
  });

  it("returns null for a deletion that the server continues in the background (202)", async () => {
    const { quire } = openClient(answering(() => new Response(null, { status: 202 })));
    expect(valueOf(await quire.users.delete({ id: NO_POST, version: 1 }, { posts: "delete" }))).toBeNull();
  });

  it("sends the token of its log-in until it logs out", async () => {
    const { quire } = await openAuthor();
    const sessions = [];
    for await (const session of quire.sessions.list()) sessions.push(valueOf(session));
    expect(sessions.map(({ current }) => current)).toEqual([true]);
    valueOf(await quire.logOut());
    expect(codeOf(await quire.posts.create({ title: "One", content: "" }))).toBe("authentication_required");
  });

  it("fetches the pages of a list on demand", async () => {
    const { quire, sent } = await openAuthor();
    for (const title of ["One", "Two", "Three", "Four", "Five"]) {
      valueOf(await quire.posts.create({ title, content: "C", status: "published" }));
    }
    expect(await titlesIn(quire.posts.list({ limit: 2 }))).toEqual(["Five", "Four", "Three", "Two", "One"]);
    sent.length = 0;
    for await (const post of quire.posts.list({ limit: 2 })) if (valueOf(post).title === "Four") break;
    expect(sent).toHaveLength(1);
  });

  it("ends a list with the failure of its first page", async () => {
    const { quire } = openClient();
    const results = [];
    for await (const session of quire.sessions.list()) results.push(codeOf(session));
    expect(results).toEqual(["authentication_required"]);
  });

  it("types posts by the requested fields", async () => {
    const { quire } = await openAuthor();
    valueOf(await quire.posts.create({ title: "One", content: "C", status: "published" }));
    for await (const post of quire.posts.list({ fields: ["title", "status"], include: "author", limit: 1 })) {
      const { title, author } = valueOf(post);
      expect({ title, author: author?.name }).toEqual({ title: "One", author: "Ada" });
      expectTypeOf(valueOf(post)).not.toHaveProperty("content");
      expect(valueOf(post)).not.toHaveProperty("content");
    }
    const page = valueOf(await quire.posts.page({ count: true, sort: "title", q: undefined as never }));
    expectTypeOf(page.items[0]).toExtend<Post | undefined>();
    expect(page.total).toBe(1);
  });

  it("returns an excerpt as parts of plain text", async () => {
    const { quire } = await openAuthor();
    const content = `A "pencil" <b>& paper</b>; it's &amp; that's all.`;
    valueOf(await quire.posts.create({ title: "One", content, status: "published" }));
    for await (const post of quire.posts.list({ q: "pencil" })) {
      const parts = excerptParts(valueOf(post).excerpt ?? "");
      expect(parts.filter(({ isMatch }) => isMatch)).toEqual([{ text: "pencil", isMatch: true }]);
      expect(parts.map(({ text }) => text).join("")).toBe(content);
    }
    expect.assertions(2);
  });

  it("sends the version that was read, so that a concurrent change fails", async () => {
    const { quire } = await openAuthor();
    const read = valueOf(await quire.posts.create({ title: "One", content: "C" }));
    valueOf(await quire.posts.update(read, { title: "Another" }));
    expect(codeOf(await quire.posts.update(read, { title: "Third" }))).toBe("precondition_failed");
    expect(codeOf(await quire.posts.delete(read))).toBe("precondition_failed");
    expect(valueOf(await quire.posts.get(read.id)).title).toBe("Another");
  });

  it.each([
    ["did not arrive", false],
    ["was executed", true],
  ])("retries a POST that %s before the connection was lost, and it runs once", async (_, reaches) => {
    const { quire, sent } = await openAuthor(losing("POST", 2, reaches));
    const written = valueOf(await quire.posts.create({ title: "One", content: "C", status: "published" }));
    const keys = sent
      .filter(({ url }) => url.endsWith("/v1/posts"))
      .map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(await titlesIn(quire.posts.list())).toEqual([written.title]);
  });

  it("sends a new key with each POST", async () => {
    const { quire, sent } = await openAuthor();
    for (const title of ["One", "Two"]) valueOf(await quire.posts.create({ title, content: "C" }));
    const keys = sent.filter(({ method }) => method === "POST").map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("retries after 503, with and without Retry-After", async () => {
    const answers = [
      new Response(null, { status: 503, headers: { "Retry-After": "0" } }),
      new Response(null, { status: 503 }),
    ];
    const { quire, sent } = openClient(async (request, send) => answers.pop() ?? send(request));
    expect(valueOf(await quire.posts.page()).items).toEqual([]);
    expect(sent).toHaveLength(3);
  });

  it.each([
    ["seconds", () => "5"],
    ["a time", () => new Date(Date.now() + 5000).toUTCString()],
  ])("waits for the Retry-After in %s, plus a random delay", async (_, retryAfter) => {
    vi.useFakeTimers({ now: new Date("2026-11-24T05:00:00Z"), toFake: ["setTimeout", "clearTimeout", "Date"] });
    const busy = () => problemOf("storage_busy", 503, { "Retry-After": retryAfter() });
    const { quire, sent } = openClient(answering(busy));
    const page = quire.posts.page();
    await vi.advanceTimersByTimeAsync(5050);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(valueOf(await page).items).toEqual([]);
    expect(sent).toHaveLength(2);
  });

  it("waits for a Retry-After of ten seconds, and returns an error at once for eleven", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const busyFor = (seconds: string) =>
      openClient(answering(() => problemOf("storage_busy", 503, { "Retry-After": seconds }))).quire;
    const retried = busyFor("10").posts.page();
    expect(codeOf(await busyFor("11").posts.page())).toBe("storage_busy");
    await vi.advanceTimersByTimeAsync(10_300);
    expect(valueOf(await retried).items).toEqual([]);
  });

  it.each([
    ["60", 429],
    [new Date(Date.now() + 3_600_000).toUTCString(), 503],
  ])("returns an error immediately when Retry-After is long: %s", async (retryAfter, status) => {
    const { quire, sent } = openClient(async () => problemOf("rate_limited", status, { "Retry-After": retryAfter }));
    expect(codeOf(await quire.posts.page())).toBe("rate_limited");
    expect(sent).toHaveLength(1);
  });

  it.each([
    ["a proxy answers 502", badGateway],
    ["a proxy answers 504 without Retry-After", () => new Response(null, { status: 504 })],
    ["the answer is cut off", cutAnswer],
  ])("retries a read when %s", async (_, answer) => {
    const { quire, sent } = openClient(answering(answer, answer));
    expect(valueOf(await quire.posts.page()).items).toEqual([]);
    expect(sent).toHaveLength(3);
  });

  it("retries for as long as retryForMs, with waits that grow to three seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const times: number[] = [];
    const { quire } = openClient(
      async () => {
        times.push(Date.now());
        return badGateway();
      },
      { retryForMs: 20_000 },
    );
    const page = quire.posts.page();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await page).toMatchObject({ ok: false, error: { code: "unexpected_answer", status: 502 } });
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(waits.length).toBeGreaterThan(8);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3000);
    expect(times.at(-1)).toBeLessThanOrEqual((times[0] ?? 0) + 20_000);
  });

  it("makes one attempt with retryForMs 0", async () => {
    const { quire, sent } = openClient(async () => badGateway(), { retryForMs: 0 });
    expect(codeOf(await quire.posts.page())).toBe("unexpected_answer");
    expect(sent).toHaveLength(1);
  });

  it("reads a list to its end when the server restarts between two pages", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    let isDown = false;
    const { quire } = await openAuthor(async (request, send) => {
      if (isDown) throw new TypeError("fetch failed");
      return send(request);
    });
    const titles = ["Three", "Two", "One"];
    for (const title of titles.toReversed())
      valueOf(await quire.posts.create({ title, content: "C", status: "published" }));
    const read: string[] = [];
    const reading = (async () => {
      for await (const post of quire.posts.list({ limit: 1 })) {
        read.push(valueOf(post).title);
        if (read.length === 1) {
          isDown = true;
          setTimeout(() => (isDown = false), 15_000);
        }
      }
    })();
    await vi.advanceTimersByTimeAsync(20_000);
    await reading;
    expect(read).toEqual(titles);
  });

  it("returns the cursor to continue from with the failure of a list", async () => {
    let isDown = false;
    const network: Network = async (request, send) => (isDown ? badGateway() : send(request));
    const { quire } = await openAuthor(network);
    for (const title of ["One", "Two", "Three"])
      valueOf(await quire.posts.create({ title, content: "C", status: "published" }));
    const first = valueOf(await quire.posts.page({ limit: 2 }));
    const rest = await titlesIn(quire.posts.list({ limit: 2, cursor: first.nextCursor ?? "" }));
    expect([...first.items.map(({ title }) => title), ...rest]).toEqual(["Three", "Two", "One"]);
    isDown = true;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    const failing = quire.posts.list({ limit: 2, cursor: first.nextCursor ?? "" }).next();
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await failing).value).toMatchObject({ ok: false, cursor: first.nextCursor });
  });

  it("has a cursor in each list, which continues a list that was left", async () => {
    const { quire } = await openAuthor();
    const { id } = valueOf(await quire.users.me());
    const titles = ["Five", "Four", "Three", "Two", "One"];
    for (const title of titles.toReversed())
      valueOf(await quire.posts.create({ title, content: "C", status: "published" }));
    for (const listOf of [
      (cursor: string | null) => quire.posts.list({ limit: 2, ...(cursor !== null && { cursor }) }),
      (cursor: string | null) => quire.users.posts(id, { limit: 2, ...(cursor !== null && { cursor }) }),
    ]) {
      for (const [taken, continuesAt] of [
        [1, 0],
        [2, 0],
        [3, 2],
        [4, 2],
        [5, 4],
      ] as const) {
        const list = listOf(null);
        const seen: string[] = [];
        expect(list.cursor).toBeNull();
        for await (const post of list) if (seen.push(valueOf(post).title) === taken) break;
        const rest = await titlesIn(listOf(list.cursor));
        expect([seen, rest]).toEqual([titles.slice(0, taken), titles.slice(continuesAt)]);
      }
    }
    const users = quire.users.list({ limit: 1 });
    const sessions = quire.sessions.list({ limit: 1 });
    valueOf((await users.next()).value ?? expect.fail());
    valueOf((await sessions.next()).value ?? expect.fail());
    expect([users.cursor, sessions.cursor]).toEqual([null, null]);
  });

  it("names the errors of each operation", () => {
    expectTypeOf<OperationError<Client["posts"]["delete"]>["code"]>().extract<"precondition_failed">().not.toBeNever();
    expectTypeOf<ClientError>().toExtend<OperationError<Client["logIn"]>>();
    expectTypeOf<OperationError<Client["logIn"]>["code"]>().extract<"invalid_credentials">().not.toBeNever();
  });

  it("returns pages of users, of sessions and of a user's posts with their cursors", async () => {
    const { quire } = await openAuthor();
    valueOf(await quire.posts.create({ title: "One", content: "C", status: "published" }));
    const [user] = valueOf(await quire.users.page({ limit: 1 })).items;
    expect(valueOf(await quire.sessions.page()).items).toHaveLength(1);
    const page = valueOf(await quire.users.postsPage(user?.id ?? "", { fields: ["title"] }));
    expect(page).toMatchObject({ items: [{ title: "One" }], nextCursor: null });
  });

  it.each([
    ["when its connection is lost", async () => Promise.reject(new TypeError("fetch failed")), "network_error"],
    ["when a proxy answers instead of the server", badGateway, "unexpected_answer"],
    ["when the outcome is unknown", () => problemOf("outcome_unknown", 503), "outcome_unknown"],
  ])("does not retry a change without a key %s", async (_, answer, code) => {
    const { quire, sent } = openClient(answering(answer));
    expect(codeOf(await quire.posts.update({ id: NO_POST, version: 1 }, { title: "Another" }))).toBe(code);
    expect(sent).toHaveLength(1);
  });

  it("retries any change after 429, because it was not executed", async () => {
    const limited = () => problemOf("rate_limited", 429, { "Retry-After": "0" });
    const { quire, sent } = openClient(answering(limited));
    expect(codeOf(await quire.posts.delete({ id: NO_POST, version: 1 }))).toBe("authentication_required");
    expect(sent).toHaveLength(2);
  });

  it("publishes the version that was read once, even if the answer is lost", async () => {
    let isLost = false;
    const { quire } = await openAuthor(async (request, send) => {
      const answer = await send(request);
      if (isLost || !request.url.endsWith("/publish")) return answer;
      isLost = true;
      throw new TypeError("fetch failed");
    });
    const read = valueOf(await quire.posts.create({ title: "One", content: "C" }));
    expect(valueOf(await quire.posts.publish(read)).status).toBe("published");
    expect(codeOf(await quire.posts.unpublish(read))).toBe("precondition_failed");
  });

  it("creates one post when the same key is used twice", async () => {
    const { quire } = await openAuthor();
    const idempotencyKey = crypto.randomUUID();
    const post = { title: "One", content: "C" };
    const first = valueOf(await quire.posts.create(post, { idempotencyKey }));
    expect(valueOf(await quire.posts.create(post, { idempotencyKey }))).toEqual(first);
  });

  it("publishes once when the same key is used twice", async () => {
    const { quire } = await openAuthor();
    const idempotencyKey = crypto.randomUUID();
    const read = valueOf(await quire.posts.create({ title: "One", content: "C" }));
    const first = valueOf(await quire.posts.publish(read, { idempotencyKey }));
    expect(valueOf(await quire.posts.publish(read, { idempotencyKey }))).toEqual(first);
  });

  it("makes keys on a page without TLS, where crypto.randomUUID does not exist", async () => {
    vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
    const { quire, sent } = openClient(async () => problemOf("email_taken", 409));
    await quire.users.register({ name: "Ada", email: "ada@example.org", password: PASSWORD });
    expect(sent[0]?.headers.get("Idempotency-Key")).toMatch(/^"[0-9a-f]{32}"$/);
  });

  it("ends a call when its signal is aborted, and does not retry it", async () => {
    const { quire, sent } = openClient(silent);
    const controller = new AbortController();
    const page = quire.posts.page({}, { signal: controller.signal });
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    controller.abort();
    expect(codeOf(await page)).toBe("aborted");
    expect(codeOf(await quire.posts.page({}, { signal: controller.signal }))).toBe("aborted");
    expect(sent).toHaveLength(2);
  });

  it("ends a POST with a key of the caller when its signal is aborted", async () => {
    const { quire } = openClient(silent, { timeoutMs: 1, retryForMs: 0 });
    const signal = AbortSignal.abort();
    const post = { title: "One", content: "C" };
    expect(codeOf(await quire.posts.create(post, { idempotencyKey: crypto.randomUUID(), signal }))).toBe("aborted");
  });

  it("ends a call that waits for its retry when its signal is aborted", async () => {
    const { quire, sent } = openClient(async () => problemOf("storage_busy", 503, { "Retry-After": "9" }));
    const controller = new AbortController();
    const posts = quire.posts.list({}, { signal: controller.signal });
    const first = posts.next();
    await vi.waitFor(() => expect(sent).toHaveLength(1));
    // It has been answered and waits for the retry before the next turn of the event loop.
    await new Promise(setImmediate);
    controller.abort(new Error("Enough."));
    expect((await first).value).toMatchObject({ error: { code: "aborted" } });
    expect(await posts.next()).toEqual({ done: true, value: undefined });
    expect(sent).toHaveLength(1);
  });

  it("waits for an answer no longer than timeoutMs", async () => {
    const { quire } = openClient(silent, { timeoutMs: 1 });
    const { signal } = new AbortController();
    const changed = await quire.users.changePassword(NO_POST, { newPassword: PASSWORD }, { signal });
    expect(changed).toMatchObject({ error: { code: "network_error", cause: { name: "TimeoutError" } } });
  });

  it("ends a list with the failure of a later page", async () => {
    const { quire } = await openAuthor(async (request, send) =>
      request.url.includes("cursor=") ? problemOf("storage_corrupt", 500) : send(request),
    );
    for (const title of ["One", "Two"]) valueOf(await quire.posts.create({ title, content: "C" }));
    const results = [];
    for await (const post of quire.posts.list({ limit: 1 })) results.push(codeOf(post));
    expect(results).toEqual(["no error", "storage_corrupt"]);
  });

  it("drops the token of an ended session at log-out", async () => {
    const { quire } = await openAuthor();
    for await (const session of quire.sessions.list()) valueOf(await quire.sessions.end(valueOf(session).id));
    expect(codeOf(await quire.posts.page())).toBe("invalid_session");
    expect(codeOf(await quire.logOut())).toBe("invalid_session");
    expect(valueOf(await quire.posts.page()).items).toEqual([]);
  });

  it.each(["http://quire.example/api", "http://quire.example/api/"])(
    "sends requests below the path of %s",
    async (url) => {
      const { quire, sent } = openClient(async () => problemOf("post_not_found", 404), { url });
      await quire.posts.get(NO_POST);
      expect(sent[0]?.url).toBe(`http://quire.example/api/v1/posts/${NO_POST}`);
    },
  );

  it.each(["", "..", "../users", "a/publish", "?limit=1", "%2e%2e"])(
    "answers post_not_found for the invalid id %j",
    async (id) => {
      const { quire, sent } = openClient();
      expect(codeOf(await quire.posts.get(id))).toBe("post_not_found");
      expect(sent[0]?.url).toBe("http://quire.example/v1/posts/-");
    },
  );

  it.each([
    ["the page", () => new Response("<h1>Welcome</h1>", { headers: { "Content-Type": "text/html" } }), 200],
    ["the broken JSON", () => new Response("{", { headers: { "Content-Type": "application/json" } }), 200],
    [
      "the problem of another API",
      () => Response.json({}, { status: 400, headers: { "Content-Type": "application/problem+json" } }),
      400,
    ],
    ["the error that is not a problem", () => Response.json({ code: "x", detail: "y" }, { status: 400 }), 400],
    ["the answer without a body", () => new Response(null, { status: 304 }), 304],
  ])("does not treat %s of another server as an answer of Quire", async (_, answer, status) => {
    const { quire } = openClient(async () => answer());
    const detail = `The answer is not from Quire: it has the status ${status}. Check the URL and any proxy.`;
    expect(await quire.posts.page()).toEqual({ ok: false, error: { code: "unexpected_answer", detail, status } });
  });

  it("follows no redirect, which would turn a POST into a GET", async () => {
    const asked: string[] = [];
    const elsewhere = createServer(({ method, url }, response) => {
      asked.push(`${method} ${url}`);
      response.writeHead(method === "POST" ? 301 : 200, { Location: "/elsewhere" }).end("{}");
    });
    const quire = createClient({ url: await listening(elsewhere) });
    expect(await quire.posts.create({ title: "One", content: "C" })).toEqual({
      ok: false,
      error: {
        code: "unexpected_answer",
        detail: "The server redirects to /elsewhere. Use that URL.",
        status: 301,
      },
    });
    elsewhere.close();
    expect(asked).toEqual(["POST /v1/posts"]);
  });

  it("reports a redirect without a retry where the browser hides its status and headers", async () => {
    let requests = 0;
    const hidden = Object.defineProperties(new Response(null), {
      type: { value: "opaqueredirect" },
      status: { value: 0 },
      ok: { value: false },
    });
    const { quire } = openClient(async () => {
      requests++;
      return hidden;
    });
    const detail = "The server redirects to another URL. Use that URL.";
    expect(await quire.posts.page()).toEqual({ ok: false, error: { code: "unexpected_answer", detail, status: 0 } });
    expect(requests).toBe(1);
  });

  it("accepts JSON to which a proxy has added a charset", async () => {
    const { quire } = openClient(async (request, send) => {
      const answer = await send(request);
      answer.headers.set("Content-Type", `${answer.headers.get("Content-Type")}; charset=utf-8`);
      return answer;
    });
    expect(valueOf(await quire.posts.page()).items).toEqual([]);
    expect(codeOf(await quire.posts.get(NO_POST))).toBe("post_not_found");
  });

  it("types the problem codes of an operation", async () => {
    const { quire } = openClient();
    const found = await quire.posts.get(NO_POST);
    if (found.ok) return expect.fail("found a post that was never created");
    expectTypeOf<"post_not_found">().toExtend<typeof found.error.code>();
    expectTypeOf<"email_taken">().not.toExtend<typeof found.error.code>();
    for (const code of ["network_error", "aborted", "invalid_session", "rate_limited", "internal_error"] as const)
      expectTypeOf(code).toExtend<typeof found.error.code>();
    expectTypeOf(found.error.detail).toEqualTypeOf<string>();
    expect(found.error.code).toBe("post_not_found");
  });

  it("types the list of wrong fields of validation_failed", async () => {
    const { quire } = await openAuthor();
    const written = await quire.posts.create({ title: "", content: "C" });
    if (written.ok || written.error.code !== "validation_failed") return expect.fail("accepted an empty title");
    expect(written.error.errors.map(({ pointer }) => pointer)).toEqual(["/title"]);
  });

  it("bundles for a browser to less than 4 KiB in gzip, and includes only its own code and Hono's client", async () => {
    const { metafile, outputFiles } = await build({
      stdin: { contents: 'export { createClient } from "quire-api/client";', resolveDir: import.meta.dirname },
      bundle: true,
      minify: true,
      platform: "browser",
      format: "esm",
      write: false,
      metafile: true,
    });
    const inputs = Object.keys(metafile.inputs).filter((input) => input !== "<stdin>");
    for (const input of inputs) expect(input).toMatch(/^(?:dist\/interfaces\/client\/|node_modules\/hono\/dist\/)/);
    expect(inputs.length).toBeGreaterThan(3);
    expect(gzipSync(outputFiles[0]?.contents ?? "").length).toBeLessThan(4096);
  });
});
