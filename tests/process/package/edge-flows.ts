import { describe, expect, it } from "vitest";
import { eventually } from "../../faults/watching.ts";

export const PASSWORD = "correct horse battery staple";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: object;
  readonly signal?: AbortSignal;
}

export type Send = (method: string, path: string, call?: Call) => Promise<Answer>;

let clients = 0;

/** A client with an address of its own, so that the limits of the tests are separate. */
export function clientOf(url: () => string): Send {
  const address = `192.0.2.${++clients}`;
  return async (method, path, { headers = {}, json, signal } = {}) => {
    const response = await fetch(url() + path, {
      method,
      headers: { "CF-Connecting-IP": address, "Content-Type": "application/json", ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    const body = (text === "" ? {} : JSON.parse(text)) as Answer["body"];
    return { status: response.status, headers: response.headers, body };
  };
}

/** The headers of a new session. */
export async function logIn(send: Send, email: string): Promise<Readonly<Record<string, string>>> {
  const session = await send("POST", "/v1/sessions", { json: { email, password: PASSWORD } });
  expect([session.status, session.body["code"]]).toEqual([201, undefined]);
  return { Authorization: `Bearer ${String(session.body["token"])}` };
}

/** A new user with a session. */
export async function register(send: Send) {
  const email = `author-${crypto.randomUUID()}@example.org`;
  const user = await send("POST", "/v1/users", { json: { name: "Ada", email, password: PASSWORD } });
  expect(user.status).toBe(201);
  return { email, path: `/v1/users/${String(user.body["id"])}`, headers: await logIn(send, email) };
}

/** The part of the HTTP contract that a worker is held to, on any storage. */
export function edgeFlows(url: () => string): void {
  describe("a client of the worker", () => {
    it("registers, logs in, and logs out", async () => {
      const send = clientOf(url);
      const { path, headers, email } = await register(send);
      expect((await send("GET", path, { headers })).body).toMatchObject({ name: "Ada", email, version: 1 });
      expect((await send("DELETE", "/v1/sessions", { headers })).status).toBe(204);
      expect((await send("GET", path, { headers })).status).toBe(401);
    });

    it("creates, reads, lists, finds, changes and deletes a post", async () => {
      const send = clientOf(url);
      const { headers } = await register(send);
      const word = `lighthouse${crypto.randomUUID().slice(0, 8)}`;
      const json = { title: `The ${word}`, content: "漢字 and light", status: "published" };
      const created = await send("POST", "/v1/posts", { headers, json });
      expect([created.status, created.headers.get("ETag")]).toEqual([201, '"1"']);
      const path = `/v1/posts/${String(created.body["id"])}`;
      expect((await send("GET", path)).body).toEqual(created.body);
      const items = async (query: string) => (await send("GET", `/v1/posts?${query}`)).body["items"] as object[];
      expect(await items("sort=-published&limit=1")).toHaveLength(1);
      await eventually("the post is found", async () => (await items(`q=${word}`)).length === 1);
      const changed = await send("PATCH", path, { headers, json: { title: "Another title" } });
      expect([changed.status, changed.body["version"]]).toEqual([200, 2]);
      expect((await send("DELETE", path, { headers })).status).toBe(204);
      expect((await send("GET", path)).status).toBe(404);
    });

    it("changes a post with its current ETag only, and gets 304 for the one that it has", async () => {
      const send = clientOf(url);
      const { headers } = await register(send);
      const created = await send("POST", "/v1/posts", { headers, json: { title: "Hello", content: "" } });
      const path = `/v1/posts/${String(created.body["id"])}`;
      const change = async (tag: string) =>
        send("PATCH", path, { headers: { ...headers, "If-Match": tag }, json: { title: "Changed" } });
      expect((await change('"7"')).status).toBe(412);
      expect((await change('"1"')).status).toBe(200);
      const unchanged = await send("GET", path, { headers: { ...headers, "If-None-Match": '"2"' } });
      expect(unchanged.status).toBe(304);
    });

    it("gets the first answer again when it repeats an Idempotency-Key, and makes one post", async () => {
      const send = clientOf(url);
      const { headers, path } = await register(send);
      const keyed = { ...headers, "Idempotency-Key": crypto.randomUUID() };
      // Long enough for a compressed replay record.
      const call = { headers: keyed, json: { title: "Once", content: "a word and ".repeat(2000) } };
      const answers = await Promise.all([1, 2, 3].map(async () => send("POST", "/v1/posts", call)));
      const replay = await send("POST", "/v1/posts", call);
      expect(replay.headers.get("Idempotency-Replayed")).toBe("true");
      for (const { status, body } of answers) {
        if (status === 201) expect(body).toEqual(replay.body);
        else expect([status, body["code"]]).toEqual([409, "idempotency_key_in_use"]);
      }
      expect((await send("GET", `${path}/posts`, { headers })).body["items"]).toHaveLength(1);
    });

    it("gets 429 after ten wrong passwords, because the counts outlive a request", async () => {
      const send = clientOf(url);
      const { email } = await register(send);
      const guess = async () => send("POST", "/v1/sessions", { json: { email, password: "a wrong password" } });
      const statuses: number[] = [];
      for (let attempt = 0; attempt < 11; attempt++) statuses.push((await guess()).status);
      // The registered user has logged in once.
      expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
      expect((await guess()).headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
      const other = clientOf(url);
      expect((await other("POST", "/v1/sessions", { json: { email, password: PASSWORD } })).status).toBe(201);
    });

    it("gets a long answer uncompressed, because the platform would compress it again", async () => {
      const document = await clientOf(url)("GET", "/openapi.json", { headers: { "Accept-Encoding": "gzip" } });
      expect(document.headers.get("Content-Encoding")).toBeNull();
      expect(document.body["openapi"]).toBe("3.1.0");
    });

    it("is answered after other clients have disconnected in the middle of their writes", async () => {
      const send = clientOf(url);
      const { headers } = await register(send);
      const json = { title: "Interrupted", content: "x".repeat(20_000) };
      for (let ms = 0; ms < 30; ms++) {
        const keyed = { ...headers, "Idempotency-Key": crypto.randomUUID() };
        await send("POST", "/v1/posts", { headers: keyed, json, signal: AbortSignal.timeout(ms) }).catch(() => {});
      }
      const concurrent = Array.from({ length: 10 }, async () => send("POST", "/v1/posts", { headers, json }));
      expect((await Promise.all(concurrent)).map(({ status }) => status)).toEqual(
        Array.from({ length: 10 }, () => 201),
      );
    });
  });
}
