import { build } from "esbuild";
import { describe, expect, expectTypeOf, it } from "vitest";
import { openMemoryStorage } from "../../src/infrastructure/memory/memory-storage.ts";
import { createClient, type Post, type Result } from "../../src/interfaces/client/client.ts";
import { openApi, PASSWORD } from "../support/api.ts";

/** What a network does to a request: sends it on, or not, and lets its answer through, or not. */
type Network = (request: Request, send: (request: Request) => Promise<Response>) => Promise<Response>;

/** A client on the API in memory, with what it has sent. */
function openClient(network: Network = async (request, send) => send(request)) {
  const { app } = openApi(openMemoryStorage());
  const sent: Request[] = [];
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    sent.push(request.clone());
    return network(request, async (passed) => app.request(passed));
  };
  return { quire: createClient({ url: "http://quire.example", fetch }), sent };
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

async function titlesIn(posts: AsyncIterable<Result<Post, { readonly code: string }>>): Promise<string[]> {
  const titles: string[] = [];
  for await (const post of posts) titles.push(valueOf(post).title);
  return titles;
}

/** Lets the first `count` requests of a method reach the server or not, and their answers never come back. */
function losing(method: string, count: number, reaches: boolean): Network {
  let lost = 0;
  return async (request, send) => {
    if (request.method !== method || !request.url.endsWith("/v1/posts") || lost++ >= count) return send(request);
    if (reaches) await send(request);
    throw new TypeError("fetch failed");
  };
}

describe("the typed client", () => {
  it("writes, reads, edits, publishes and deletes a post", async () => {
    const { quire } = await openAuthor();
    const written = valueOf(await quire.posts.create({ title: "One", content: "First words." }));
    const edited = valueOf(await quire.posts.update(written, { title: "Another" }));
    expect(edited).toMatchObject({ id: written.id, title: "Another", version: 2 });
    const published = valueOf(await quire.posts.publish(written.id));
    expect(valueOf(await quire.posts.get(written.id))).toEqual(published);
    expect(valueOf(await quire.posts.unpublish(written.id)).status).toBe("draft");
    const now = valueOf(await quire.posts.get(written.id));
    expect(valueOf(await quire.posts.delete(now))).toBeNull();
    expect(codeOf(await quire.posts.get(written.id))).toBe("post_not_found");
  });

  it("changes and deletes a user, and their password", async () => {
    const { quire } = openClient();
    const user = valueOf(await quire.users.register({ name: "Ada", email: "ada@example.org", password: PASSWORD }));
    expect(codeOf(await quire.users.update(user, { name: "Grace" }))).toBe("authentication_required");
    valueOf(await quire.logIn({ email: "ada@example.org", password: PASSWORD }));
    const changed = valueOf(await quire.users.update(user, { name: "Grace" }));
    const newPassword = "another horse entirely";
    valueOf(await quire.users.changePassword(user.id, { currentPassword: PASSWORD, newPassword }));
    const now = valueOf(await quire.users.get(user.id));
    expect(now.name).toBe(changed.name);
    expect(valueOf(await quire.users.delete(now))).toBeNull();
  });

  it("sends the token of its log-in until it logs out", async () => {
    const { quire } = await openAuthor();
    const sessions = [];
    for await (const session of quire.sessions.list()) sessions.push(valueOf(session));
    expect(sessions.map(({ current }) => current)).toEqual([true]);
    valueOf(await quire.logOut());
    expect(codeOf(await quire.posts.create({ title: "One", content: "" }))).toBe("authentication_required");
  });

  it("reads a list page by page, and no further than it is asked", async () => {
    const { quire, sent } = await openAuthor();
    for (const title of ["One", "Two", "Three", "Four", "Five"]) {
      valueOf(await quire.posts.create({ title, content: "C", status: "published" }));
    }
    expect(await titlesIn(quire.posts.list({ limit: "2" }))).toEqual(["Five", "Four", "Three", "Two", "One"]);
    sent.length = 0;
    for await (const post of quire.posts.list({ limit: "2" })) if (valueOf(post).title === "Four") break;
    expect(sent).toHaveLength(1);
  });

  it("ends a list with the failure that it meets", async () => {
    const { quire } = openClient();
    const results = [];
    for await (const session of quire.sessions.list()) results.push(codeOf(session));
    expect(results).toEqual(["authentication_required"]);
  });

  it("undoes no change of others: it sends the version that was read", async () => {
    const { quire } = await openAuthor();
    const read = valueOf(await quire.posts.create({ title: "One", content: "C" }));
    valueOf(await quire.posts.update(read, { title: "Another" }));
    expect(codeOf(await quire.posts.update(read, { title: "Third" }))).toBe("precondition_failed");
    expect(codeOf(await quire.posts.delete(read))).toBe("precondition_failed");
    expect(valueOf(await quire.posts.get(read.id)).title).toBe("Another");
  });

  it.each([
    ["did not arrive", false],
    ["was done", true],
  ])("repeats a POST that %s before the connection was lost, and it is done once", async (_, reaches) => {
    const { quire, sent } = await openAuthor(losing("POST", 2, reaches));
    const written = valueOf(await quire.posts.create({ title: "One", content: "C", status: "published" }));
    const keys = sent
      .filter(({ url }) => url.endsWith("/v1/posts"))
      .map(({ headers }) => headers.get("Idempotency-Key"));
    expect(keys).toHaveLength(3);
    expect(new Set(keys).size).toBe(1);
    expect(await titlesIn(quire.posts.list())).toEqual([written.title]);
  });

  it("has another key for each POST", async () => {
    const { quire, sent } = await openAuthor();
    for (const title of ["One", "Two"]) valueOf(await quire.posts.create({ title, content: "C" }));
    const keys = sent.filter(({ method }) => method === "POST").map(({ headers }) => headers.get("Idempotency-Key"));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("repeats what the server asks to repeat, when it asks", async () => {
    const answers = [
      new Response(null, { status: 503, headers: { "Retry-After": "0" } }),
      new Response(null, { status: 503 }),
    ];
    const { quire, sent } = openClient(async (request, send) => answers.pop() ?? send(request));
    expect(valueOf(await quire.posts.page()).items).toEqual([]);
    expect(sent).toHaveLength(3);
  });

  it("says at once what it would have to wait long for", async () => {
    const headers = { "Retry-After": "60", "Content-Type": "application/problem+json" };
    const { quire, sent } = openClient(async () => Response.json({ code: "rate_limited" }, { status: 429, headers }));
    expect(codeOf(await quire.posts.page())).toBe("rate_limited");
    expect(sent).toHaveLength(1);
  });

  it("does not repeat a change that has no key", async () => {
    let changes = 0;
    const { quire } = await openAuthor(async (request, send) => {
      if (request.method !== "PATCH") return send(request);
      changes++;
      throw new TypeError("fetch failed");
    });
    const post = valueOf(await quire.posts.create({ title: "One", content: "C" }));
    expect(codeOf(await quire.posts.update(post, { title: "Another" }))).toBe("network_error");
    expect(changes).toBe(1);
  });

  it("gives no answer of another server for one of Quire", async () => {
    const { quire } = openClient(
      async () => new Response("<h1>Welcome</h1>", { headers: { "Content-Type": "text/html" } }),
    );
    const page = await quire.posts.page();
    expect(page).toEqual({ ok: false, error: { code: "unexpected_answer", status: 200 } });
  });

  it("has the codes of an operation's problems in its type", async () => {
    const { quire } = openClient();
    const found = await quire.posts.get("00000000-0000-7000-8000-000000000000");
    if (found.ok) return expect.fail("found a post that was never written");
    expectTypeOf<"post_not_found">().toExtend<typeof found.error.code>();
    expectTypeOf<"email_taken">().not.toExtend<typeof found.error.code>();
    expectTypeOf<"network_error">().toExtend<typeof found.error.code>();
    expect(found.error.code).toBe("post_not_found");
  });

  it("is bundled for a browser as quire/client, with nothing in it but itself and hono's client", async () => {
    const { metafile } = await build({
      stdin: { contents: 'export { createClient } from "quire/client";', resolveDir: import.meta.dirname },
      bundle: true,
      platform: "browser",
      format: "esm",
      write: false,
      metafile: true,
    });
    const inputs = Object.keys(metafile.inputs).filter((input) => input !== "<stdin>");
    for (const input of inputs) expect(input).toMatch(/^(?:dist\/interfaces\/client\/|node_modules\/hono\/dist\/)/);
    expect(inputs.length).toBeGreaterThan(3);
  });
});
