import { describe, expect, it } from "vitest";

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

/** The behaviour of a worker beyond the HTTP contract, on any storage. */
export function edgeFlows(url: () => string): void {
  describe("a client of the worker", () => {
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

    it("changes a post with an If-Match without a value, which workerd does not pass on", async () => {
      const send = clientOf(url);
      const { headers } = await register(send);
      const created = await send("POST", "/v1/posts", { headers, json: { title: "Hello", content: "" } });
      const call = { headers: { ...headers, "If-Match": "" }, json: { title: "Changed" } };
      expect((await send("PATCH", `/v1/posts/${String(created.body["id"])}`, call)).status).toBe(200);
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
